"""Binding: an expanded `Node` to a `Pipeline`; what does not fit the schema is a problem at its mark."""
