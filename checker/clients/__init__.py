"""HTTP clients of the services a check looks at. They send requests and parse answers; they judge nothing."""
