package file

// PartName is the hidden name under which a file is written before it gets its own.
var PartName = partName
