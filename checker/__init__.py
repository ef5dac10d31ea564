"""The checker: a command line that verifies an attendee's work on Azure, or on any cloud that speaks its wire."""

VERSION = "0.1.0"
