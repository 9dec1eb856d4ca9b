"""To AWS and back: the release that instances install, and the stack that they belong to."""
