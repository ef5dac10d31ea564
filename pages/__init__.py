"""The site: which blocks of its pages run and how, what is generated into it, and the gates that a page passes.

The pages are Markdown in docs/, built with Material for MkDocs by mkdocs.yml, which keeps to what Zensical reads.
Whatever else the site needs is here: it runs before or after the builder and never inside it.
"""
