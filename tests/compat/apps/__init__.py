"""Two ordinary Flask applications, which know little of the extension."""
