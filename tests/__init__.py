"""A package of its own: smdebug-rulesconfig, which sagemaker-core brings, installs another of this name."""
