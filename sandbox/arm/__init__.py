"""Azure Resource Manager: subscriptions, resource groups, providers, deployments, generic resources, operation status,
roles, budgets, quota, free names.

Resources of a service that the sandbox implements belong to that service; the types listed in names.PROVIDERS that no
service claims are kept as they are sent. Any other type answers 501 with its name.
"""

from sandbox.arm.manager import ResourceManager
from sandbox.arm.subscriptions import Subscriptions
from sandbox.arm.switches import Switchboard

__all__ = ["ResourceManager", "Subscriptions", "Switchboard"]
