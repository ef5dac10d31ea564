"""Enumerations of builds, pipelines and tests (sandbox.devops.enumerations says why numbers)."""

STATUS = {"none": 0, "inprogress": 1, "completed": 2, "cancelling": 4, "postponed": 8, "notstarted": 32, "all": 47}
RESULT = {"none": 0, "succeeded": 2, "partiallysucceeded": 4, "failed": 8, "canceled": 32}
REASON = {
    "manual": 1,
    "individualci": 2,
    "batchedci": 4,
    "schedule": 8,
    "scheduleforced": 16,
    "usercreated": 32,
    "pullrequest": 256,
    "buildcompletion": 512,
    "resourcetrigger": 1024,
    "all": 2031,
}
BUILD_ORDER = {
    "finishtimeascending": 2,
    "finishtimedescending": 3,
    "queuetimedescending": 4,
    "queuetimeascending": 5,
    "starttimedescending": 6,
    "starttimeascending": 7,
}
DEFINITION_ORDER = {
    "none": 0,
    "lastmodifiedascending": 1,
    "lastmodifieddescending": 2,
    "definitionnameascending": 3,
    "definitionnamedescending": 4,
}
QUEUE_STATUS = {"enabled": 0, "paused": 1, "disabled": 2}
STAGE_STATE = {"cancel": 0, "retry": 1, "run": 2}
CONFIGURATION = {"unknown": 0, "yaml": 1, "designerjson": 2, "justintime": 3}
SIGNED = {"none": 0, "signedcontent": 1}
OUTCOME = {"unspecified": 0, "none": 1, "passed": 2, "failed": 3, "notexecuted": 8}
