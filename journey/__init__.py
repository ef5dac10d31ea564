"""The workshop as an attendee walks it: scripts over the public wire, and the rehearsal that runs them on a sandbox."""
