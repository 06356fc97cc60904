package environment

import "os"

// listing is set by a suite in the process that it starts to list its specs. It is no
// setting: nobody else sets it, and the table does not have it.
const listing = "SAFETYSPEC_LISTING"

// Listing says whether this process is to list the specs, and must run none.
func Listing() bool { return os.Getenv(listing) != "" }

// ForListing is the environment of a process that is to list the specs.
func ForListing() []string { return append(os.Environ(), listing+"=1") }
