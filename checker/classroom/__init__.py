"""A class: its attendees looked at side by side, and what that comes to."""
