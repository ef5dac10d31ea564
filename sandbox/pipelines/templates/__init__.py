"""Template expansion: parameters, `${{ }}` directives and values, included files, template-time variables."""
