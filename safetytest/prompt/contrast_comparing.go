package prompt

import (
	"errors"
	"strings"
)

// Comparing contrasts another model with the model under test, under each of the
// mixes by itself:
//
//	Comparing("baseline", Mix{}, Refusals(4))
//
// The other model is the baseline or one of Config.Models.
func Comparing(model string, mixes ...Mix) Contrast {
	c := comparing(mixes, "release", "replacing "+model+" by the model under test", func(x *Setting) { x.Name, x.Model = x.Name+", "+model, model })
	if model == "" {
		c.fail(errors.New("the contrast needs the name of another model, such as \"baseline\""))
	}
	return c
}

// ComparingStored contrasts rates that were stored in a file with those of the
// model under test, under each of the mixes by itself.
func ComparingStored(file string, mixes ...Mix) Contrast {
	c := comparing(mixes, "regression", "replacing what is stored in "+file+" by the model under test", func(x *Setting) { x.Name, x.Stored = x.Name+", stored", file })
	if file == "" {
		c.fail(errors.New("the contrast needs the file of a stored baseline"))
	}
	return c
}

func comparing(mixes []Mix, name, phrase string, standard func(*Setting)) Contrast {
	c := Contrast{Name: name}
	var under []string
	for _, mix := range mixes {
		here := Setting{Name: mix.String(), Composition: Composition{Mix: mix}}
		there := here
		standard(&there)
		c.Pairs = append(c.Pairs, [2]int{len(c.Settings), len(c.Settings) + 1})
		c.Settings = append(c.Settings, there, here)
		under = append(under, mix.String())
	}
	c.Phrase = phrase + ", under " + strings.Join(under, " and under ") + ","
	if len(mixes) == 0 {
		c.fail(errors.New("the contrast needs at least one mix, such as Mix{}"))
	}
	return c
}
