// Exists so that the heavy headers have a target in which they are compiled, once for each backend and once for
// neither.
