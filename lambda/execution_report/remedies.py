"""What to do about a failure, by the error's name; docs/failures.md has the same sentences."""

REMEDIES = {
    "InvalidInput": "Correct the field that the sentence names and start again; nothing was begun.",
    "SourceNotFound": "Correct dataset.source: the bucket does not exist.",
    "SourceAccessDenied": "Add the source's bucket to the setting sourceBuckets and deploy, or have its owner let the "
    "roles of Plan, Catalogue and Pack read it.",
    "SourceUnavailable": "Start again later: S3 went on failing after all retries.",
    "EmptySource": "Correct dataset.source: it must hold objects such as metadata/00001.json and bin-images/00001.jpg.",
    "NoUsableImages": "Look at the reasons that the sentence lists, and correct dataset.source, minCount and maxCount.",
    "TooManyRejects": "Look at the bins that the sentence lists; raise dataset.maximumRejects if they may be missing.",
    "EmptySplit": "Take more bins (dataset.fraction) or larger shares (dataset.split), or another seed.",
    "EmptyClass": "Choose counts that the source holds (dataset.minCount and maxCount), or take more bins.",
    "WeightsUnavailable": "Start again later, or put the file into the data bucket and name it as weights.",
    "NoFinishedTrial": "Look at the log of the trial that the sentence names; shorten the trials or raise "
    "training.maxRunSeconds if time ran out.",
    "NoResult": "If the job ran into a time limit, raise training.maxRunSeconds (of training and features) and, with "
    "spot, training.maxWaitSeconds beyond it; Evaluate has 7200 seconds: choose a faster evaluationInstanceType; an "
    "audit has maxRunSeconds in its own input, and started again it goes on. Otherwise look at the job's log.",
    "QuotaTooSmall": "Ask for more with the command in the sentence, or choose another instance type.",
    "QuotaInUse": "Start again when other jobs have ended, or ask for more with the command in the sentence.",
    "NoTurn": "The model is registered: promote its package when the endpoint is free (make promote).",
    "NotApproved": "Approve the package in the registry, or name another one.",
    "NotEvaluated": "Name a package that an execution has registered: others bring no photos to try the endpoint with.",
    "NothingToGoBackTo": "Nothing was served before; train a model, or name a package to promote.",
    "SmokeTestFailed": "The model was taken back and its package rejected. Compare the endpoint's log with the "
    "evaluation's: both should compute the same.",
    "NotServed": "The model was taken back. Look at the endpoint in the console: after the update it "
    "served something else. If its configuration could not be found, AWS may refuse every update: pause the endpoint, "
    "then promote a package.",
    "DeployFailed": "CloudFormation has rolled the update back. Look at the endpoint stack's events and at the "
    "alarms, then promote the package (make promote).",
}
OTHERS = (
    "Look at the log of the state that failed, correct what it says, and start again: datasets and features that are "
    "complete are used again."
)


def remedy(error: str) -> str:
    """What to do; an error that is not known here has the advice for all others."""
    return REMEDIES.get(error, OTHERS)
