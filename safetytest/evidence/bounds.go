package evidence

// tighten returns the end of a one-sided confidence sequence: how far rejection
// reaches from previous, the end so far, towards inside, a point that cannot be
// rejected. excess is the evidence against a limit of the mean beyond what
// rejection takes; it grows from inside to previous. The running intersection
// never widens.
func tighten(s side, inside, previous float64, excess func(theta float64) float64) float64 {
	if s == violSide {
		// The mirror image of an upper bound.
		return -tighten(holdSide, -inside, -previous, func(minus float64) float64 { return excess(-minus) })
	}
	// The factors of a mixture have a pole at the end of the range of X.
	const pole = 1e-12
	end := previous + (inside-previous)*pole
	if inside >= end || excess(end) < 0 {
		return previous
	}
	return crossing(inside, end, excess)
}

// crossing returns, to 1e-10 and rounded upwards, where f, below 0 at lo and at
// least 0 at hi, crosses 0. It is the ITP method (Oliveira and Takahashi 2020):
// interpolation as long as that helps, and never many more steps than bisection.
func crossing(lo, hi float64, f func(float64) float64) float64 {
	const precision = 1e-10
	fLo, fHi := f(lo), f(hi)
	if fLo >= 0 {
		return lo
	}
	for slack := hi - lo; hi-lo > precision; slack /= 2 {
		middle, radius := (lo+hi)/2, slack-(hi-lo)/2
		falsePosition := (lo*fHi - hi*fLo) / (fHi - fLo)
		// Truncate: move a little towards the middle, then stay within radius
		// of it.
		toMiddle := 0.2 * (hi - lo) * (hi - lo)
		at := middle
		switch {
		case falsePosition < middle-toMiddle:
			at = falsePosition + toMiddle
		case falsePosition > middle+toMiddle:
			at = falsePosition - toMiddle
		}
		at = min(max(at, middle-radius), middle+radius)
		if !(at > lo && at < hi) {
			at = middle
		}
		if v := f(at); v >= 0 {
			hi, fHi = at, v
		} else {
			lo, fLo = at, v
		}
	}
	return hi
}
