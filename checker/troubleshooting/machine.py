"""Lines of git, Python and TLS on the learner's machine."""

from checker.troubleshooting.model import Trouble

TROUBLES = (
    Trouble(
        "git-identity",
        "Git does not know who you are",
        r"Author identity unknown|Please tell me who you are|unable to auto-detect email address",
        "*** Please tell me who you are.",
        "M0",
        "A commit carries a name and an e-mail address, and git has been given none.",
        "Set both once, then commit again.",
        "MAC003",
        ('git config --global user.name "Ada Lovelace"', "git config --global user.email ada@example.org"),
    ),
    Trouble(
        "git-authentication",
        "Azure Repos refuses your sign-in",
        r"fatal: Authentication failed for 'https://.*(dev\.azure\.com|visualstudio\.com|/_git/)",
        "fatal: Authentication failed for 'https://dev.azure.com/ada/AIDevCollege/_git/AIDevCollege/'",
        "M3",
        "Git sent no token, or one that has expired, belongs to another organisation or lacks the scope Code (read &"
        " write).",
        "Make a new token under User settings, Personal access tokens, and give it as the password. An old one may"
        " be kept"
        " by your credential helper: erase it first.",
        "ORG001",
        ("git credential reject   (then type: protocol=https, host=dev.azure.com, an empty line)",),
    ),
    Trouble(
        "git-repository-hidden",
        "The repository is not there, or not for you",
        r"TF401019",
        "remote: TF401019: The Git repository with name or identifier aidevcollege does not exist or you do not have"
        " permissions for the operation you are attempting.",
        "M3",
        "The address names a repository or a project that does not exist, or you signed in with an account that may not"
        " see it. The service gives both the same words.",
        "Copy the address from Repos, Clone. If it is the same, sign in with the account that owns the project.",
        "REP001",
        ("git remote -v",),
    ),
    Trouble(
        "git-page-not-repository",
        "The address is a page, not a repository",
        r"repository 'https://github\.com/[^']*/(tree|blob)/[^']*' not found|not valid: is this a git repository",
        "fatal: repository 'https://github.com/azuredevcollege/aidevcollege/tree/master/' not found",
        "M3",
        "The browser's address of a folder or a file was given where an address for cloning belongs.",
        "Take the address that the button Code shows; it ends with .git and has no /tree/ in it.",
        "REP001",
    ),
    Trouble(
        "git-rejected-push",
        "Your branch is behind the one on the server",
        r"! \[rejected\].*\((fetch first|non-fast-forward)\)",
        " ! [rejected]        main -> main (fetch first)",
        "M3",
        "Somebody, perhaps you in the browser, has committed since you last fetched.",
        "Fetch, put your commits on top, and push again. Nothing is lost; do not use --force on a shared branch.",
        "",
        ("git pull --rebase", "git push"),
    ),
    Trouble(
        "git-protected-branch",
        "The branch takes changes by pull request only",
        r"TF402455",
        "TF402455: Pushes to this branch are not permitted; you must use a pull request to update this branch.",
        "M10",
        "A branch policy guards the branch. This is what it is for.",
        "Push to a branch of your own, open a pull request, and complete it.",
        "REP005",
        ("git switch -c test-size", "git push -u origin test-size"),
    ),
    Trouble(
        "certificate-not-trusted",
        "The certificate is not trusted",
        r"CERTIFICATE_VERIFY_FAILED|self[- ]signed certificate in certificate chain|SSL certificate problem",
        "ssl.SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to get local"
        " issuer certificate (_ssl.c:1006)",
        "M0",
        "For the sandbox: this shell does not have its variables, so the client does not know its authority."
        " Elsewhere: a"
        " proxy of your company signs the traffic anew, and Python does not know the proxy's authority.",
        "In the sandbox's lane, read its variables into this shell. Behind a proxy, name its certificate in"
        " REQUESTS_CA_BUNDLE and in git's http.sslCAInfo. Switching the verification off would hide a real attack as"
        " well.",
        "",
        ('eval "$(sandbox env)"',),
    ),
    Trouble(
        "nothing-listens",
        "Nothing answers at this address",
        r"Connection refused|Errno 111\b|WinError 10061|Failed to establish a new connection",
        "urllib3.exceptions.NewConnectionError: Failed to establish a new connection: [Errno 111] Connection refused",
        "M0",
        "The sandbox is not running, or this shell still has the variables of one that ran earlier on another port.",
        "Look whether it runs, start it, and read its variables again.",
        "",
        ("sandbox status", "sandbox up --detach", 'eval "$(sandbox env)"'),
    ),
    Trouble(
        "name-not-resolved",
        "A host has no address",
        r"Temporary failure in name resolution|Could not resolve host|getaddrinfo (failed|ENOTFOUND)"
        r"|Name or service not known",
        "fatal: unable to access 'https://dev.azure.com/ada/': Could not resolve host: dev.azure.com",
        "M0",
        "The machine is offline, a VPN changes its name server, or the name is misspelt.",
        "Open the same host in a browser. If that works, the proxy is missing in this shell: set HTTPS_PROXY.",
    ),
    Trouble(
        "module-not-found",
        "Python does not find a package",
        r"ModuleNotFoundError: No module named|ImportError: No module named",
        "ModuleNotFoundError: No module named 'sklearn'",
        "M1",
        "The script ran with another Python than the one that has the package; or the package is in no requirements"
        " file"
        " of the place where the script runs (agent, training environment and image have one each).",
        "On your machine, use the interpreter of .venv-runtime. In a job, put the package into"
        " labs/conf/train-environment.yml; in the image, into labs/image/requirements.txt; on the agent, into"
        " labs/conf/agent-requirements.txt.",
        "SCR001",
    ),
    Trouble(
        "file-is-notebook",
        "A notebook is no script",
        r"can't open file '[^']*\.ipynb'|NameError: name '(null|true|false)' is not defined",
        "NameError: name 'null' is not defined",
        "M1",
        "Python was given a notebook: it holds JSON, where null, true and false are written otherwise than in Python.",
        "Export the cells to a .py file, and run that.",
        "SCR001",
        ("jupyter nbconvert --to script train.ipynb",),
    ),
)
