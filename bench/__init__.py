"""Speed and memory, measured from outside and printed as one JSON document: `make bench`."""
