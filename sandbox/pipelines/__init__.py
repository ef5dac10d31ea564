"""Azure Pipelines as a pure library: text, Node, expanded Node, Pipeline, Plan. Needs no server and no network."""
