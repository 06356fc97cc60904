package evidence

// Result is what a run has shown so far. All numbers are finite. Effects and
// rates are fractions: 0.10 is ten percentage points.
type Result struct {
	// State is Inconclusive with Reason Undecided while the run may go on.
	State  State  `json:"state"`
	Reason Reason `json:"reason,omitempty"`
	// Done says that no further trial is accepted.
	Done bool `json:"done"`
	// Final says that the terminal look, or the only one, was taken: the error of the run is spent,
	// and its trials must not be continued with a larger budget.
	Final bool `json:"final,omitempty"`
	// Trials were looked at, Missing observations among them in arms that play a
	// part were no outcome.
	Trials  int `json:"trials"`
	Missing int `json:"missing"`
	// Conditions and Arms follow the order of the design, Draws are ascending.
	Conditions []ConditionResult `json:"conditions"`
	Arms       []ArmResult       `json:"arms"`
	Draws      []DrawResult      `json:"draws,omitempty"`
	// LogEViolated is the natural logarithm of the claim's e-value against "every
	// condition is within its margin": the mean over the conditions. [EHolm]
	// combines those of a suite. With FixedN it is that of the trials made, and
	// decides nothing.
	LogEViolated float64 `json:"log_e_violated"`
	// Needs estimates how many further trials like these would decide the claim;
	// 0 if none would or the claim is decided.
	Needs int `json:"needs,omitempty"`
	// JudgeLimited says that the judge's calibration keeps the claim open and no
	// number of further trials like these would decide it.
	JudgeLimited bool     `json:"judge_limited,omitempty"`
	Warnings     []string `json:"warnings,omitempty"`
}

// ConditionResult is what was seen of one condition. With a judge that errs,
// the bounds are those of the true mean, allowing for all that the judge may
// do; the estimate is corrected by the judge's likeliest errors, those seen on its
// labels, and never lies outside the bounds.
type ConditionResult struct {
	Name string `json:"name"`
	// State is that of this condition alone; Violated names a culprit at
	// familywise error (e-Holm over the conditions).
	State     State   `json:"state"`
	Threshold float64 `json:"threshold"`
	Estimate  float64 `json:"estimate"`
	// Lower and Upper are a confidence sequence: each bound is wrong, at any look
	// of the whole run, with probability at most AlphaViolated and AlphaHolds. Lower is
	// at least Threshold where State is Violated.
	Lower float64 `json:"lower"`
	Upper float64 `json:"upper"`
	// JudgeLower and JudgeUpper are how narrow the bounds would become if any number
	// of trials like these were added: what is left is what the judge may misread.
	// They are the bounds themselves before the first trial. JudgeLimited says that
	// the condition is undecided for that reason, so that more labels would help and
	// more trials would not.
	JudgeLower   float64 `json:"judge_lower"`
	JudgeUpper   float64 `json:"judge_upper"`
	JudgeLimited bool    `json:"judge_limited,omitempty"`
	// LogEHolds is the evidence against "worse than the margin", LogEViolated
	// that against "within the margin", as natural logarithms: 3.0 is 20 to 1.
	LogEHolds    float64 `json:"log_e_holds"`
	LogEViolated float64 `json:"log_e_violated"`
	// Companion is the ordinary fixed-n interval of the same trials, for comparison;
	// it decides nothing. It is narrower than the sequence because it does not
	// allow for looking again, and only Clopper and Pearson's is exact: the error of
	// each end of Tango's was found to reach 9 % at a nominal 5.
	Companion Interval `json:"companion"`
}

// ArmResult is the rate of one arm as the judge saw it, with its
// Clopper-Pearson interval of level 0.90, which knows nothing of the judge's errors.
type ArmResult struct {
	Name    string  `json:"name"`
	N       int     `json:"n"` // observations that are outcomes
	Missing int     `json:"missing"`
	Rate    float64 `json:"rate"`
	Lower   float64 `json:"lower"`
	Upper   float64 `json:"upper"`
	// Corrected is the estimate of the true rate, within [0, 1], corrected by the
	// judge's likeliest errors as the estimates of conditions are. It means nothing
	// unless HasCorrection is true: elsewhere there is nothing to correct, or it is
	// not known how.
	Corrected     float64 `json:"corrected,omitempty"`
	HasCorrection bool    `json:"has_correction,omitempty"`
}

// DrawResult is the effect within one draw of demonstrations, of the condition
// that came out worst over all draws.
type DrawResult struct {
	Draw     int     `json:"draw"`
	Trials   int     `json:"trials"`
	Estimate float64 `json:"estimate"`
}
