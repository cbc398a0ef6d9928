"""The sample market: generated bars and headlines whose truth is known, for trying the platform and for proving it."""
