"""Lines of Azure Resource Manager and Microsoft Entra: identity, roles, providers, quota, names."""

from checker.troubleshooting.model import Trouble

TROUBLES = (
    Trouble(
        "provider-not-registered",
        "A resource provider is not registered",
        r"MissingSubscriptionRegistration|The subscription is not registered to use namespace",
        "(MissingSubscriptionRegistration) The subscription is not registered to use namespace"
        " 'Microsoft.ContainerInstance'. See https://aka.ms/rps-not-found for how to register subscriptions.",
        "M0",
        "A new subscription takes no resource of a kind before its provider is registered. A pipeline's identity"
        " that owns"
        " only a group cannot register it.",
        "Register the provider that the message names, as someone with Contributor on the subscription, and wait"
        " until it"
        " says Registered.",
        "SUB002",
        ("az provider register --namespace Microsoft.ContainerInstance --wait",),
    ),
    Trouble(
        "quota-exceeded",
        "The quota has no vCPU left",
        r"QuotaExceeded|exceeding approved .*quota|ClusterMinNodesExceedCoreQuota|Not enough quota|OutOfQuota"
        r"|quota.*(limit|exceeded)",
        "Operation could not be completed as it results in exceeding approved standardDSv2Family Cores quota."
        " Additional details - Current Limit: 0, Current Usage: 0, Additional Required: 2",
        "M0",
        "Each family of sizes has its own limit in each region, and Azure Machine Learning counts apart from virtual"
        " machines. In a new subscription it may be 0.",
        "Take a size of a family that has vCPUs left, or another region, or ask for more. Two deployments side by"
        " side need"
        " the vCPUs twice.",
        "SUB005",
        ("az vm list-usage --location westeurope --output table", "checker doctor"),
    ),
    Trouble(
        "sku-not-available",
        "The size is not to be had in this region",
        r"SkuNotAvailable|is currently not available in location|NotAvailableForSubscription",
        "(SkuNotAvailable) The requested VM size for resource 'Following SKUs have failed for Capacity Restrictions:"
        " Standard_D4s_v5' is currently not available in location 'westeurope'.",
        "M0",
        "Azure has no capacity of this size there, or does not offer it to your kind of subscription. Quota is not"
        " the matter.",
        "Take another size of about the same kind, or another region, in workshop.toml.",
        "SUB006",
        ("az vm list-skus --location westeurope --size Standard_D --output table",),
    ),
    Trouble(
        "authorization-failed",
        "The identity may not do this",
        r"^(?!.*roleAssignments/write).*(AuthorizationFailed|does not have authorization to perform action)",
        "(AuthorizationFailed) The client '9f0c' with object id '9f0c' does not have authorization to perform action"
        " 'Microsoft.Resources/subscriptions/resourcegroups/write' over scope '/subscriptions/0000'",
        "M4",
        "The identity that the message names lacks a role at this scope. A connection made for one group cannot"
        " create the group.",
        "Make the group first, as yourself. For anything inside it, give the identity Contributor on the group. A"
        " new role"
        " takes minutes to be seen.",
        "SUB003",
    ),
    Trouble(
        "role-assignment-denied",
        "You may not give roles",
        r"roleAssignments/write",
        "does not have authorization to perform action 'Microsoft.Authorization/roleAssignments/write' over scope"
        " '/subscriptions/0000/resourceGroups/rg-diabetes-abc'",
        "M4",
        "Contributor creates resources, and gives roles to nobody. That takes Owner or Role Based Access Control"
        " Administrator.",
        "Ask for the role on your group, or for an identity that has its role already.",
        "SUB004",
    ),
    Trouble(
        "federated-subject-mismatch",
        "The federated credential names another subject",
        r"AADSTS70021[123]?\b|AADSTS7002138|No matching federated identity record found",
        "AADSTS700213: No matching federated identity record found for presented assertion subject"
        " 'sc://ada/AIDevCollege/MyAzureSubscription'.",
        "M4",
        "Microsoft Entra compares issuer and subject as text. Renaming the organisation, the project or the connection"
        " changes the subject that is presented, and not the one that was stored.",
        "Copy issuer and subject from the connection into the federated credential of the app or identity; or give the"
        " connection its old name.",
        "CON002",
    ),
    Trouble(
        "application-not-found",
        "The application is not in this directory",
        r"AADSTS700016",
        "AADSTS700016: Application with identifier '7d1c' was not found in the directory 'Contoso'.",
        "M4",
        "The app registration was deleted, or the connection names another directory than the one it is in.",
        "Compare the directory's id in the connection with the one of the subscription; then make the connection anew.",
        "CON002",
        ("az account show --query tenantId",),
    ),
    Trouble(
        "client-secret-expired",
        "The secret of the connection has expired",
        r"AADSTS7000222|AADSTS7000215",
        "AADSTS7000222: The provided client secret keys for app '7d1c' are expired.",
        "M4",
        "The connection signs in with a secret, and secrets end. Federation has none that could.",
        "Convert the connection to workload identity federation.",
        "CON003",
    ),
    Trouble(
        "tenant-blocks-sign-in",
        "The directory wants more for this sign-in",
        r"AADSTS5007[69]|AADSTS53003|AADSTS50158",
        "AADSTS50076: Due to a configuration change made by your administrator, you must use multi-factor"
        " authentication"
        " to access '797f4846'.",
        "M0",
        "Conditional access of your company asks for a second factor, or for a managed device.",
        "Sign in again, for this directory. If the device is refused, only your administrator can help.",
        "",
        ("az login --tenant <directory>",),
    ),
    Trouble(
        "no-sign-in",
        "Nobody is signed in to Azure",
        r"Please run '?az login'?|DefaultAzureCredential failed to retrieve a token|CredentialUnavailableError",
        "azure.core.exceptions.ClientAuthenticationError: DefaultAzureCredential failed to retrieve a token from the"
        " included credentials.",
        "M0",
        "None of the ways in which the SDK looks for a sign-in gave a token.",
        "In Azure's lane, sign in with the Azure CLI. In the sandbox's, read its variables into this shell. In a"
        " pipeline,"
        " run the script in an AzureCLI task.",
        "SUB001",
        ("az login", 'eval "$(sandbox env)"'),
    ),
    Trouble(
        "subscription-not-found",
        "The subscription is not in this directory",
        r"SubscriptionNotFound|The subscription '.*' could not be found|InvalidAuthenticationTokenTenant",
        "(SubscriptionNotFound) The subscription '00000000-0000-0000-0000-000000000000' could not be found.",
        "M0",
        "The id is misspelt, or you are signed in to another directory than the one the subscription trusts.",
        "List what you can see, and take the id from there.",
        "SUB001",
        ("az account list --output table", "az login --tenant <directory>"),
    ),
    Trouble(
        "resource-group-not-found",
        "The resource group is not there",
        r"ResourceGroupNotFound|Resource group '.*' could not be found",
        "(ResourceGroupNotFound) Resource group 'rg-diabetes-abc' could not be found.",
        "M4",
        "It has not been made yet, its name has another suffix, or the subscription is another one.",
        "Make it as yourself before the connection; compare the suffix with workshop.toml.",
        "WSP001",
        ("az group create --name rg-diabetes-<suffix> --location westeurope",),
    ),
    Trouble(
        "name-taken",
        "The name is taken by somebody else",
        r"StorageAccountAlreadyTaken|already taken|AlreadyInUse|name .* is (already|not available)"
        r"|DnsNameLabelNotAvailable",
        "(AlreadyInUse) The registry DNS name crdiabetesabc.azurecr.io is already in use.",
        "M0",
        "Names of registries, storage accounts and key vaults are unique in all of Azure, those of endpoints in a"
        " region.",
        "Take another suffix in workshop.toml, everywhere.",
        "SUB007",
    ),
    Trouble(
        "soft-deleted",
        "A deleted resource still holds the name",
        r"soft[- ]delete|in (a )?deleted but recoverable state|ConflictError.*deleted|ExistsInSoftDeleted",
        "(VaultAlreadyExists) A vault with the same name already exists in deleted state; it is deleted but in a"
        " soft-deleted state",
        "M0",
        "Workspaces and key vaults lie in a recycle bin after deletion, and their names with them.",
        "Purge it if it is yours and empty, restore it if you want it back, or take another suffix.",
        "SUB008",
        ("az keyvault list-deleted --output table", "checker cleanup plan"),
    ),
    Trouble(
        "policy-refused",
        "A policy of the subscription refuses it",
        r"RequestDisallowedByPolicy|was disallowed by policy",
        "(RequestDisallowedByPolicy) Resource 'diabetes-staging-abc' was disallowed by policy.",
        "M7",
        "Your company forbids something about the resource: a public address, a region, a size, a missing tag. The"
        " rest of"
        " the message names the policy.",
        "Read which policy it is and satisfy it, or ask for an exemption. A managed endpoint is the other way to"
        " staging"
        " where container instances with a public address are refused.",
        "STG001",
    ),
    Trouble(
        "scope-locked",
        "A lock keeps it from being deleted",
        r"ScopeLocked|cannot perform delete operation because following scope\(s\) are locked",
        "(ScopeLocked) The scope '/subscriptions/0000/resourceGroups/rg-diabetes-abc' cannot perform delete operation"
        " because following scope(s) are locked",
        "M16",
        "Somebody has put a lock on the group, a resource in it or the subscription, so that nothing is deleted by"
        " mistake.",
        "If the lock is yours, delete it, then clean up again. If it is not, ask.",
        "CLN003",
        ("az lock list --output table",),
    ),
    Trouble(
        "throttled-azure",
        "Azure asks you to wait",
        r"TooManyRequests|SubscriptionRequestsThrottled|\b429\b.*(Too Many Requests|throttl)",
        "(TooManyRequests) The request is being throttled. Retry after 17 seconds.",
        "M6",
        "Too many calls in a short time, often from several people with one identity.",
        "Wait as long as the answer says; the SDKs do so by themselves.",
    ),
)
