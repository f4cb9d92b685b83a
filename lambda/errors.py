"""Named errors of the functions: the class name is the state machine's error name, the message its cause."""


class SourceNotFound(Exception):
    """The source bucket does not exist."""


class SourceAccessDenied(Exception):
    """The source bucket can be listed neither anonymously nor with the function's role."""


class SourceUnavailable(Exception):
    """The source went on failing after all retries; the same step may well succeed later."""


class EmptySource(Exception):
    """The source holds no bin: no object under bin-images/ or metadata/ is named as one."""


class NoUsableImages(Exception):
    """Not one bin of the sample can be used."""


class TooManyRejects(Exception):
    """More bins are unusable than the input tolerates."""


class EmptySplit(Exception):
    """No bin at all fell to one of the splits."""


class EmptyClass(Exception):
    """The training split has no image of one of the counts: a model would never answer it."""


class UnbalancedSplit(Exception):
    """The shares of a split are too far from the asked ones to be chance: a fault of the assignment."""


class WeightsUnavailable(Exception):
    """A published file of weights cannot be downloaded from here."""


class WrongWeights(Exception):
    """A file of weights is not the one that its name says it is."""


class NoFinishedTrial(Exception):
    """Tuning ended without one trial that has an objective."""
