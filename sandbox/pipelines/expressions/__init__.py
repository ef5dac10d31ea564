"""Expressions of Azure Pipelines: template `${{ }}`, runtime `$[ ]`, conditions and `$( )` macros."""
