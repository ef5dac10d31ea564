"""Azure DevOps: organisations, projects, git, service connections, environments, beneath `{base}/{organization}`.

The front checks who calls and which version; each noun is a module; git itself is git.
"""

from sandbox.devops.access import Token, User
from sandbox.devops.endpoints import Connection
from sandbox.devops.repositories import PushListener, RefUpdate, Repository
from sandbox.devops.service import DevOps
from sandbox.devops.switches import Switches

__all__ = ["Connection", "DevOps", "PushListener", "RefUpdate", "Repository", "Switches", "Token", "User"]
