"""Programs that run the learner's scripts, started by the runtime's interpreter: they import nothing of the checker."""
