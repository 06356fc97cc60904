package environment

// WithoutSecrets is an address as reports name it, without what may be a secret: see
// the rows of addresses.
func WithoutSecrets(value string) string {
	if value == "" {
		return ""
	}
	return withoutSecrets(value)
}
