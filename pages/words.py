"""Words that the pages do without, each with what to write instead. Whole words, whatever the case; code is exempt."""

INCLUSIVE = {
    "abort": "cancel, stop",
    "blacklist": "deny list",
    "crazy": "unexpected",
    "dummy": "placeholder",
    "guys": "people, everybody",
    "insane": "unexpected",
    "kill": "end, stop",
    "man-hours": "person-hours",
    "manpower": "people",
    "native feature": "built-in feature",
    "sanity check": "quick check",
    "segregate": "separate",
    "slave": "replica, worker",
    "whitelist": "allow list",
}
NO_BELITTLING = {
    "easily": "say what to do",
    "easy": "say what to do",
    "just": "leave it out",
    "obvious": "leave it out, or say it",
    "obviously": "leave it out, or say it",
    "of course": "leave it out",
    "simply": "leave it out",
    "trivial": "leave it out, or say what it takes",
}
PRESENT = {
    "we will": "say what happens, in the present tense",
    "you will now": "say what you do, in the present tense",
    "will be able to": "can",
    "in this module we": "say what you do",
}
AVOIDED = {**INCLUSIVE, **NO_BELITTLING, **PRESENT}

# Right here, and unknown to codespell or taken by it for another word's misspelling.
KNOWN = ("aks", "buid", "requestors", "wit")
