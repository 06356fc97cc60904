// Package drawing draws rates as SVG pictures: curves over doses, intervals side by
// side, and a map of two counts. They are text only, name no font of anybody's, and are
// readable on light and on dark pages.
package drawing

import (
	"encoding/xml"
	"fmt"
	"math"
	"strings"
)

// Rate is a share from 0 to 1 between bounds, seen in N replies. One with N of 0 is not
// drawn.
type Rate struct {
	Value, Low, High float64
	N                int
}

// The colours: of series, told apart by people who do not see red or green, too.
var colours = []string{"#d55e00", "#2f81d0", "#009e73", "#aa4499"}

const style = `<style>
 .page{fill:#ffffff}.ink{fill:#1f2328}.soft{fill:#59636e}.grid{stroke:#d1d9e0}.axis{stroke:#59636e}
 @media (prefers-color-scheme:dark){.page{fill:#0d1117}.ink{fill:#f0f6fc}.soft{fill:#9198a1}.grid{stroke:#3d444d}.axis{stroke:#9198a1}}
 text{font-family:sans-serif;font-size:13px}.title{font-size:15px;font-weight:bold}.small{font-size:11px}
</style>`

// canvas is a picture while it is drawn.
type canvas struct{ strings.Builder }

func newCanvas(width, height int, title string) *canvas {
	c := &canvas{}
	fmt.Fprintf(c, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img">`, width, height, width, height)
	fmt.Fprintf(c, "\n<title>%s</title>\n%s\n", escaped(title), style)
	fmt.Fprintf(c, `<rect class="page" width="%d" height="%d"/>`+"\n", width, height)
	c.text(16, 24, "title ink", "start", title)
	return c
}

func escaped(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a builder never fails
	return b.String()
}

func (c *canvas) text(x, y float64, class, anchor, text string) {
	fmt.Fprintf(c, `<text x="%.1f" y="%.1f" class="%s" text-anchor="%s">%s</text>`+"\n", x, y, class, anchor, escaped(text))
}

func (c *canvas) line(x1, y1, x2, y2 float64, attributes string) {
	fmt.Fprintf(c, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" %s/>`+"\n", x1, y1, x2, y2, attributes)
}

func (c *canvas) close() string {
	c.WriteString("</svg>\n")
	return c.String()
}

// drawable says whether there is something to draw.
func (r Rate) drawable() bool {
	return r.N > 0 && !math.IsNaN(r.Value+r.Low+r.High) && !math.IsInf(r.Value+r.Low+r.High, 0)
}

// Series is one curve: rates at doses that grow.
type Series struct {
	Name  string
	Doses []int
	Rates []Rate
}

// Curves draws rates over doses, on an axis of the logarithm of one more than the dose.
func Curves(title, doses, rate string, series []Series) string {
	const width, height, left, right, top, bottom = 640, 400, 64, 150, 44, 56
	c := newCanvas(width, height, title)
	most := 1
	at := map[int]bool{}
	for _, s := range series {
		for _, d := range s.Doses {
			most, at[d] = max(most, d), true
		}
	}
	x := func(dose int) float64 {
		return left + 14 + (width-left-right-28)*math.Log1p(float64(dose))/math.Log1p(float64(most))
	}
	y := func(share float64) float64 { return height - bottom - (height-top-bottom)*share }
	for share := 0; share <= 100; share += 25 {
		c.line(left, y(float64(share)/100), width-right, y(float64(share)/100), `class="grid"`)
		c.text(left-8, y(float64(share)/100)+4, "soft", "end", fmt.Sprintf("%d %%", share))
	}
	for d := 0; d <= most; d++ {
		if at[d] {
			c.text(x(d), height-bottom+20, "soft", "middle", fmt.Sprint(d))
		}
	}
	c.line(left, y(0), width-right, y(0), `class="axis"`)
	c.text((left+width-right)/2, height-14, "ink", "middle", doses)
	fmt.Fprintf(c, `<text transform="translate(18 %d) rotate(-90)" class="ink" text-anchor="middle">%s</text>`+"\n", (top+height-bottom)/2, escaped(rate))
	for i, s := range series {
		c.curve(s, colours[i%len(colours)], 3*float64(i)-3*float64(len(series)-1)/2, x, y)
		c.line(width-right+16, float64(top+16+24*i), width-right+40, float64(top+16+24*i), fmt.Sprintf(`stroke="%s" stroke-width="3"`, colours[i%len(colours)]))
		c.text(width-right+46, float64(top+20+24*i), "ink", "start", s.Name)
	}
	return c.close()
}

// curve draws one series, moved aside so that bars of several are told apart.
func (c *canvas) curve(s Series, colour string, aside float64, x func(int) float64, y func(float64) float64) {
	var path []string
	for i, r := range s.Rates {
		if !r.drawable() {
			continue
		}
		at := x(s.Doses[i]) + aside
		path = append(path, fmt.Sprintf("%.1f,%.1f", at, y(r.Value)))
		c.line(at, y(r.Low), at, y(r.High), fmt.Sprintf(`stroke="%s" stroke-width="1.5" opacity="0.7"`, colour))
		for _, end := range []float64{r.Low, r.High} {
			c.line(at-3, y(end), at+3, y(end), fmt.Sprintf(`stroke="%s" stroke-width="1.5" opacity="0.7"`, colour))
		}
		fmt.Fprintf(c, `<circle cx="%.1f" cy="%.1f" r="4" fill="%s"><title>%s</title></circle>`+"\n", at, y(r.Value), colour, escaped(fmt.Sprintf("%s, %d: %s", s.Name, s.Doses[i], r)))
	}
	fmt.Fprintf(c, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", strings.Join(path, " "), colour)
}

// String gives the rate in words.
func (r Rate) String() string {
	return fmt.Sprintf("%.0f %% (%.0f to %.0f) of %d replies", 100*r.Value, 100*r.Low, 100*r.High, r.N)
}

// Named is a rate of something.
type Named struct {
	Name string
	Rate
}

// Intervals draws rates under each other, each with its name and bounds.
func Intervals(title, rate string, rows []Named) string {
	const width, left, right, top, each = 640, 230, 110, 44, 30
	height := top + each*len(rows) + 52
	c := newCanvas(width, height, title)
	x := func(share float64) float64 { return left + (width-left-right)*share }
	foot := float64(height - 52)
	for share := 0; share <= 100; share += 25 {
		c.line(x(float64(share)/100), top, x(float64(share)/100), foot, `class="grid"`)
		c.text(x(float64(share)/100), foot+18, "soft", "middle", fmt.Sprintf("%d %%", share))
	}
	c.text(x(0.5), foot+40, "ink", "middle", rate)
	for i, r := range rows {
		y := float64(top + each*i + each/2)
		c.text(left-12, y+4, "ink", "end", r.Name)
		if !r.drawable() {
			c.text(x(0)+6, y+4, "soft small", "start", "no replies")
			continue
		}
		c.line(x(r.Low), y, x(r.High), y, fmt.Sprintf(`stroke="%s" stroke-width="3" opacity="0.7"`, colours[1]))
		fmt.Fprintf(c, `<circle cx="%.1f" cy="%.1f" r="5" fill="%s"><title>%s</title></circle>`+"\n", x(r.Value), y, colours[1], escaped(r.Name+": "+r.Rate.String()))
		c.text(width-right+14, y+4, "soft", "start", fmt.Sprintf("%.0f %% of %d", 100*r.Value, r.N))
	}
	return c.close()
}

// Map draws rates by two counts: rates[i][j] belongs to rows[i] and columns[j]. The first
// row is drawn at the bottom, as on an axis.
func Map(title, across, up string, columns, rows []string, rates [][]Rate) string {
	const left, top, cell, tall = 90, 44, 92, 48
	width, height := left+cell*len(columns)+20, top+tall*len(rows)+56
	c := newCanvas(max(width, 360), height, title)
	for i := range rows {
		y := float64(top + tall*(len(rows)-1-i))
		c.text(left-10, y+tall/2+4, "soft", "end", rows[i])
		for j := range columns {
			x, r := float64(left+cell*j), rates[i][j]
			if !r.drawable() {
				fmt.Fprintf(c, `<rect x="%.1f" y="%.1f" width="%d" height="%d" fill="none" class="grid"/>`+"\n", x+1, y+1, cell-2, tall-2)
				c.text(x+cell/2, y+tall/2+4, "soft small", "middle", "no replies")
				continue
			}
			fill, ink := shade(r.Value)
			fmt.Fprintf(c, `<rect x="%.1f" y="%.1f" width="%d" height="%d" rx="3" fill="%s"><title>%s</title></rect>`+"\n", x+1, y+1, cell-2, tall-2, fill, escaped(fmt.Sprintf("%s and %s: %s", rows[i], columns[j], r)))
			fmt.Fprintf(c, `<text x="%.1f" y="%.1f" fill="%s" text-anchor="middle">%.0f %%</text>`+"\n", x+cell/2, y+tall/2-1, ink, 100*r.Value)
			fmt.Fprintf(c, `<text x="%.1f" y="%.1f" fill="%s" class="small" text-anchor="middle">%.0f to %.0f, n %d</text>`+"\n", x+cell/2, y+tall/2+15, ink, 100*r.Low, 100*r.High, r.N)
		}
	}
	foot := float64(top + tall*len(rows))
	for j := range columns {
		c.text(float64(left+cell*j)+cell/2, foot+18, "soft", "middle", columns[j])
	}
	c.text(float64(left)+float64(cell*len(columns))/2, foot+42, "ink", "middle", across)
	fmt.Fprintf(c, `<text transform="translate(22 %d) rotate(-90)" class="ink" text-anchor="middle">%s</text>`+"\n", top+tall*len(rows)/2, escaped(up))
	return c.close()
}

// shade is the colour of a share, from pale to dark, and that of a text upon it.
func shade(share float64) (fill, ink string) {
	share = max(0, min(1, share))
	from, to := [3]float64{253, 231, 205}, [3]float64{127, 39, 4}
	var mixed [3]int
	for i := range mixed {
		mixed[i] = int(math.Round(from[i] + (to[i]-from[i])*share))
	}
	ink = "#1f2328"
	if share > 0.5 {
		ink = "#ffffff"
	}
	return fmt.Sprintf("#%02x%02x%02x", mixed[0], mixed[1], mixed[2]), ink
}
