package evidence

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest/internal/raced"
)

// oracleFile holds values computed by other software (SciPy, statsmodels,
// confseq, ppi-python, R) or published; each case names its source.
//
//go:embed testdata/oracles.json
var oracleFile []byte

type oracle struct {
	ID        string          `json:"id"`
	Fn        string          `json:"fn"`
	Input     json.RawMessage `json:"input"`
	Output    map[string]any  `json:"output"`
	Tolerance float64         `json:"abs_tol"`
}

func TestOracles(t *testing.T) {
	raced.Skip(t)
	var file struct{ Cases []oracle }
	if err := json.Unmarshal(oracleFile, &file); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, c := range file.Cases {
		seen[c.Fn] = true
		t.Run(c.ID, func(t *testing.T) {
			f, ok := oracleFunctions[c.Fn]
			if !ok {
				t.Fatalf("no function answers %q", c.Fn)
			}
			var raw map[string]json.RawMessage
			if err := json.Unmarshal(c.Input, &raw); err != nil {
				t.Fatal(err)
			}
			got, err := f(args{t, raw})
			if err != nil {
				t.Fatal(err)
			}
			for name, want := range c.Output {
				compare(t, name, got[name], want, c.Tolerance)
			}
		})
	}
	if len(seen) != len(oracleFunctions) {
		t.Errorf("%d functions have oracles, %d are written", len(seen), len(oracleFunctions))
	}
}

// compare checks a value, or a list of values, within the tolerance.
func compare(t *testing.T, name string, got, want any, tolerance float64) {
	t.Helper()
	switch want := want.(type) {
	case float64:
		if g, ok := got.(float64); !ok || !(math.Abs(g-want) <= tolerance) {
			t.Errorf("%s = %v, want %v within %v", name, got, want, tolerance)
		}
	case bool:
		if got != want {
			t.Errorf("%s = %v, want %v", name, got, want)
		}
	case []any:
		var list []any
		switch got := got.(type) {
		case []float64:
			for _, x := range got {
				list = append(list, x)
			}
		case []bool:
			for _, x := range got {
				list = append(list, x)
			}
		}
		if len(list) != len(want) {
			t.Fatalf("%s = %v, want %v", name, got, want)
		}
		for i := range want {
			compare(t, fmt.Sprintf("%s[%d]", name, i), list[i], want[i], tolerance)
		}
	default:
		t.Fatalf("%s: cannot compare %T", name, want)
	}
}

// args reads the named inputs of a case.
type args struct {
	t   *testing.T
	raw map[string]json.RawMessage
}

func read[T any](a args, name string) (v T) {
	a.t.Helper()
	if err := json.Unmarshal(a.raw[name], &v); err != nil {
		a.t.Fatalf("input %s: %v", name, err)
	}
	return v
}

func (a args) number(name string) float64    { return read[float64](a, name) }
func (a args) count(name string) int         { return read[int](a, name) }
func (a args) numbers(name string) []float64 { return read[[]float64](a, name) }
func (a args) counts(name string) []int      { return read[[]int](a, name) }

// bets returns the mixture of the case's bets and shares.
func (a args) bets(s side, lo, hi float64) mixture {
	g := mixture{side: s, lo: lo, hi: hi, bets: a.numbers("c")}
	for _, w := range a.numbers("w") {
		g.logWeights = append(g.logWeights, math.Log(w))
	}
	return g
}

type outputs map[string]any

func bounds(i Interval, err error) (outputs, error) {
	return outputs{"lower": i.Lower, "upper": i.Upper}, err
}

func (a args) pairs() Pairs {
	return Pairs{Both: a.count("both"), OnlyControl: a.count("onlyA"), OnlyTreated: a.count("onlyB"), Neither: a.count("neither")}
}

// mixture plays both e-processes of a case over t at theta.
func (a args) mixture(t *tally, lo, hi float64) outputs {
	theta, threshold := a.number("theta"), math.Log(1/a.number("alpha"))
	hold, viol := a.bets(holdSide, lo, hi), a.bets(violSide, lo, hi)
	bound := func(g mixture, previous float64) float64 {
		return tighten(g.side, t.mean(), previous, func(at float64) float64 { return g.logE(t, at) - threshold })
	}
	return outputs{
		"log_e_hold": hold.logE(t, theta), "log_e_viol": viol.logE(t, theta),
		"lower": bound(viol, lo), "upper": bound(hold, hi),
	}
}

var oracleFunctions = map[string]func(args) (outputs, error){
	"wilson": func(a args) (outputs, error) {
		return bounds(Wilson(a.count("x"), a.count("n"), a.number("level")))
	},
	"clopper_pearson": func(a args) (outputs, error) {
		return bounds(ClopperPearson(a.count("x"), a.count("n"), a.number("level")))
	},
	"zero_event_n": func(a args) (outputs, error) {
		n, err := ZeroEventTrials(a.number("rate"), a.number("alpha"))
		return outputs{"n": float64(n)}, err
	},
	"newcombe_unpaired": func(a args) (outputs, error) {
		return bounds(NewcombeUnpaired(a.count("x0"), a.count("n0"), a.count("x1"), a.count("n1"), a.number("level")))
	},
	"newcombe_paired": func(a args) (outputs, error) { return bounds(a.pairs().Newcombe(a.number("level"))) },
	"farrington_manning": func(a args) (outputs, error) {
		r, err := ScoreTest(a.count("x0"), a.count("n0"), a.count("x1"), a.count("n1"), a.number("delta"))
		return outputs{"z": r.Z, "p_less": r.Holds, "p_greater": r.Violated}, err
	},
	"tango": func(a args) (outputs, error) {
		out, err := bounds(a.pairs().Tango(a.number("level")))
		out["diff"] = a.pairs().Difference()
		return out, err
	},
	"tango_ni": func(a args) (outputs, error) {
		p := Pairs{OnlyControl: a.count("onlyA"), OnlyTreated: a.count("onlyB")}
		p.Neither = a.count("n") - p.OnlyControl - p.OnlyTreated
		r, err := p.TangoTest(a.number("margin"))
		return outputs{"z": r.Z, "p_hold": r.Holds, "p_violated": r.Violated}, err
	},
	"mcnemar_exact": func(a args) (outputs, error) {
		r, err := Pairs{OnlyControl: a.count("onlyA"), OnlyTreated: a.count("onlyB")}.McNemar()
		return outputs{"p_two_sided": r.TwoSided, "p_greater": r.Greater, "p_midp_two_sided": r.MidP}, err
	},
	"cochran_armitage": func(a args) (outputs, error) {
		r, err := CochranArmitage(a.counts("x"), a.counts("n"), a.numbers("scores"))
		return outputs{"z": r.Z, "p_two_sided": r.TwoSided, "p_increasing": r.Increasing}, err
	},
	"logistic_slope": func(a args) (outputs, error) {
		var replies []DoseOutcome
		for k, dose := range a.numbers("dose") {
			for i := range a.counts("n")[k] {
				replies = append(replies, DoseOutcome{Dose: dose, Outcome: i < a.counts("x")[k]})
			}
		}
		r, err := LogisticSlope(replies)
		return outputs{"intercept": r.Intercept, "slope": r.Slope, "se_slope": r.SE}, err
	},
	"logistic_slope_cluster": func(a args) (outputs, error) {
		var replies []DoseOutcome
		for i, dose := range a.numbers("dose") {
			replies = append(replies, DoseOutcome{Dose: dose, Outcome: a.counts("y")[i] == 1, Cluster: a.counts("cluster")[i]})
		}
		r, err := LogisticSlope(replies)
		return outputs{
			"intercept": r.Intercept, "slope": r.Slope,
			"se_slope_cluster_cr0": r.ClusterSE, "se_slope_cr0_times_G_over_Gm1": r.ClusterSEAdjusted,
		}, err
	},
	"item_mean_t": func(a args) (outputs, error) {
		r, err := cellMeans(a.numbers("item_diffs")).TTest(a.number("margin"))
		return outputs{
			"mean": r.Mean, "se": r.SE, "df": float64(r.DF), "p_hold": r.Holds, "p_tost": r.Equivalent,
			"lower90": r.Interval.Lower, "upper90": r.Interval.Upper,
		}, err
	},
	"holm": func(a args) (outputs, error) {
		adjusted := Holm(a.numbers("p"))
		reject := make([]bool, len(adjusted))
		for i := range adjusted {
			reject[i] = adjusted[i] <= a.number("alpha")
		}
		return outputs{"adjusted": adjusted, "reject": reject}, nil
	},
	"bh": func(a args) (outputs, error) {
		return outputs{"adjusted": benjaminiHochberg(a.numbers("p"))}, nil
	},
	"e_multiplicity": func(a args) (outputs, error) {
		logE := a.numbers("e")
		for i := range logE {
			logE[i] = math.Log(logE[i])
		}
		return outputs{"ebh_reject": EBH(logE, a.number("alpha")), "eholm_reject": EHolm(logE, a.number("alpha"))}, nil
	},
	"confseq_betting_mart": func(a args) (outputs, error) {
		return outputs{"capital": hedgedCapital(a.numbers("x"), a.number("m"), a.number("alpha"), a.number("theta"), a.number("trunc_scale"), 0)}, nil
	},
	"confseq_betting_mart_wor": func(a args) (outputs, error) {
		return outputs{"capital": hedgedCapital(a.numbers("x"), a.number("m"), a.number("alpha"), 0.5, 0.5, a.count("N"))}, nil
	},
	"confseq_betting_cs": func(a args) (outputs, error) {
		lower, upper := hedgedSequence(a.numbers("x"), a.number("alpha"))
		return outputs{"lower": lower, "upper": upper}, nil
	},
	"confseq_predmix_eb_cs": func(a args) (outputs, error) {
		lower, upper := predmixSequence(a.numbers("x"), a.number("alpha"), a.number("truncation"))
		return outputs{"lower": lower, "upper": upper}, nil
	},
	"mix_betting_diff": func(a args) (outputs, error) {
		var t tally
		plus, minus := a.count("npos"), a.count("nneg")
		t.add(1, int64(plus))
		t.add(-1, int64(minus))
		t.add(0, int64(a.count("n")-plus-minus))
		return a.mixture(&t, -1, 1), nil
	},
	"mix_betting_graded": func(a args) (outputs, error) {
		var t tally
		for _, x := range a.numbers("x") {
			t.add(x, 1)
		}
		return a.mixture(&t, a.number("a"), a.number("b")), nil
	},
	"kelly_plan": func(a args) (outputs, error) {
		g := mixture{side: holdSide, lo: -1, hi: 1}
		if read[string](a, "side") == "viol" {
			g.side = violSide
		}
		l := pairLaw(a.number("p0"), a.number("p1"), a.number("corr"))
		bet, growth := g.kelly(&l, a.number("theta"))
		return outputs{"c": bet, "growth": growth}, nil
	},
	"bernoulli_lr_mixture": func(a args) (outputs, error) {
		var t tally
		t.add(1, int64(a.count("x")))
		t.add(0, int64(a.count("n")-a.count("x")))
		r := a.number("r")
		hold := ratioMixture(holdSide, r, a.numbers("p_hold"), a.numbers("w_hold"))
		viol := ratioMixture(violSide, r, a.numbers("p_viol"), a.numbers("w_viol"))
		return outputs{"log_e_hold": hold.logE(&t, r), "log_e_viol": viol.logE(&t, r)}, nil
	},
	"crossing_prob": func(a args) (outputs, error) {
		g := a.bets(holdSide, -1, 1)
		if read[string](a, "side") == "viol" {
			g.side = violSide
		}
		ledger, crossed := newLedger(&g, a.number("theta")), 0.0
		w := newDistribution(a.number("p_pos"), a.number("p_neg"), fine)
		for w.n < a.count("N") {
			w.step()
			w.prune()
			w.each(func(plus, minus int, mass float64) bool {
				stop := ledger.reaches(math.Log(a.number("thr")), w.n, plus, minus)
				if stop {
					crossed += mass
				}
				return stop
			})
		}
		return outputs{"prob": crossed}, nil
	},
	"lan_demets_obf": func(a args) (outputs, error) {
		return outputs{"z": lanDeMets(a.numbers("t"), obrienFleming(a.number("alpha_one_sided")))}, nil
	},
	"lan_demets_pocock": func(a args) (outputs, error) {
		return outputs{"z": lanDeMets(a.numbers("t"), pocock(a.number("alpha_one_sided")))}, nil
	},
	"rogan_gladen": func(a args) (outputs, error) {
		p, clipped, err := RoganGladen(a.number("q"), a.number("sens"), a.number("spec"))
		return outputs{"p": p, "p_clipped": clipped}, err
	},
	"judge_J_lower": func(a args) (outputs, error) {
		c := Calibration{Hits: a.count("sens_hits"), Positives: a.count("n_pos"), Rejections: a.count("spec_hits"), Negatives: a.count("n_neg")}
		// The approximation that the exact limit puts outcomes in order by.
		lower, _ := mover(c, normalQuantile(1-a.number("alpha_one_sided")))
		return outputs{"J": c.j(), "J_lower": lower}, nil
	},
	"ppi_mean": func(a args) (outputs, error) {
		var labelled []Labelled
		for i, y := range a.numbers("Y") {
			labelled = append(labelled, Labelled{Truth: y, Judged: a.numbers("Yhat")[i]})
		}
		r, err := ppi(labelled, a.numbers("Yhat_unlabeled"), a.number("lam"), 1-a.number("alpha"))
		return outputs{"est": r.Estimate, "lower": r.Interval.Lower, "upper": r.Interval.Upper}, err
	},
}
