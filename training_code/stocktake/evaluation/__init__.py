"""Whether a model may replace the one that serves: both on the same test images, and the rule of the release."""
