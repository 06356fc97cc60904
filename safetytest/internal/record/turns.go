package record

// Final says whether the runs that are continued have a final verdict on a claim, so
// that nothing more is bought for it.
func (r *Record) Final(claim string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range r.earlier {
		if f.conclusions[claim].Final {
			return true
		}
	}
	return false
}

// Tried counts the runs among those that are continued which bought evidence for a
// claim.
func (r *Record) Tried(claim string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	runs := map[string]bool{}
	for _, f := range r.earlier {
		if f.conclusions[claim].Pairs > 0 {
			runs[f.header.Run] = true
		}
	}
	return len(runs)
}

// Concluded says whether some process of this run, as far as this one has seen, is
// done with a claim.
func (r *Record) Concluded(claim string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range r.files {
		if c, ok := f.conclusions[claim]; ok && f.header.Run == r.run && c.State != begun {
			return true
		}
	}
	return false
}

// Last is what the last of the runs that are continued concluded about a claim.
func (r *Record) Last(claim string) (c Conclusion, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range r.earlier {
		if last, has := f.conclusions[claim]; has && last.State != begun {
			c, ok = last, true
		}
	}
	return c, ok
}
