package web

import (
	"fmt"
	"html/template"
	"strings"
)

// Chart is a chart of bars, one for each day or other step. The page draws it without a script, and
// has its numbers as a table, too.
type Chart struct {
	ID     string // its id on the page
	Title  string // what is counted, such as "Sign-ins, last 30 days"
	Unit   string // what the first column of the table is called, such as "Day"
	Series []string
	Bars   []Bar
}

// Bar is what is counted at one step. Values are those of the chart's series, of which there are at
// most two: the second, what failed, is drawn below the first.
type Bar struct {
	Label  string
	Values []int64
}

// The chart's own units. The page stretches the drawing to its width, so no text is in it.
const (
	barStep    = 20
	barWidth   = 14
	plotHeight = 120
)

// chart is the template function chart.
func chart(c Chart) (template.HTML, error) {
	if len(c.Series) < 1 || len(c.Series) > 2 {
		return "", fmt.Errorf("a chart has one or two series, and not %d", len(c.Series))
	}
	var highest int64
	totals := make([]int64, len(c.Series))
	for _, bar := range c.Bars {
		if len(bar.Values) != len(c.Series) {
			return "", fmt.Errorf("%s of the chart has %d values for %d series", bar.Label, len(bar.Values),
				len(c.Series))
		}
		var sum int64
		for i, value := range bar.Values {
			sum, totals[i] = sum+value, totals[i]+value
		}
		highest = max(highest, sum)
	}
	top := roundedUp(highest)
	var b strings.Builder
	write := func(format string, values ...any) { b.WriteString(string(piece(format, values...))) }
	write(`<figure class="chart">`)
	c.legend(write)
	write(`<div class="plot"><div class="scale" aria-hidden="true"><span>%s</span><span>%s</span><span>0</span></div>`,
		counted(top), counted(top/2))
	c.plot(write, top, totals)
	if n := len(c.Bars); n > 0 {
		write(`<div class="ends" aria-hidden="true"><span>%s</span><span>%s</span></div>`, c.Bars[0].Label,
			c.Bars[n-1].Label)
	}
	write(`</div>`)
	c.table(write)
	write(`</figure>`)
	return template.HTML(b.String()), nil
}

// legend names the colors, which one series alone does not need.
func (c Chart) legend(write func(string, ...any)) {
	if len(c.Series) < 2 {
		return
	}
	write(`<ul class="legend" aria-hidden="true">`)
	for i, name := range c.Series {
		write(`<li class="%s">%s</li>`, seriesClass(i), name)
	}
	write(`</ul>`)
}

// plot draws the bars between three lines.
func (c Chart) plot(write func(string, ...any), top int64, totals []int64) {
	width := max(1, len(c.Bars)) * barStep
	write(`<svg viewBox="0 0 %d %d" preserveAspectRatio="none" role="img" aria-labelledby="%s-title %s-says">`,
		width, plotHeight, c.ID, c.ID)
	write(`<title id="%s-title">%s</title><desc id="%s-says">%s</desc>`, c.ID, c.Title, c.ID, c.says(totals))
	write(`<path class="grid" d="M0 0H%[1]d M0 %[2]dH%[1]d M0 %[3]dH%[1]d"/>`, width, plotHeight/2, plotHeight)
	for i, bar := range c.Bars {
		c.draw(write, i, bar, top)
	}
	write(`</svg>`)
}

// says is the chart in one sentence, for those who do not see it.
func (c Chart) says(totals []int64) string {
	parts := make([]string, len(totals))
	for i, total := range totals {
		parts[i] = c.Series[i] + ": " + counted(total)
	}
	return strings.Join(parts, ", ") + ". The table below has each number."
}

// draw draws a bar. Its title is what a browser shows beside the pointer.
func (c Chart) draw(write func(string, ...any), i int, bar Bar, top int64) {
	said := make([]string, len(bar.Values))
	for s, value := range bar.Values {
		said[s] = c.Series[s] + " " + counted(value)
	}
	write(`<g><title>%s: %s</title>`, bar.Label, strings.Join(said, ", "))
	left, bottom := i*barStep+(barStep-barWidth)/2, float64(plotHeight)
	for s := len(bar.Values) - 1; s >= 0; s-- {
		if bar.Values[s] == 0 {
			continue
		}
		// What was counted once is to be seen beside a thousand.
		height := max(1.5, float64(bar.Values[s])/float64(top)*plotHeight)
		bottom -= height
		write(`<rect class="%s" x="%d" y="%.1f" width="%d" height="%.1f"/>`, seriesClass(s), left, max(0, bottom),
			barWidth, height)
	}
	write(`</g>`)
}

func (c Chart) table(write func(string, ...any)) {
	write(`<details><summary>%s as a table</summary><div class="scroll" tabindex="0" role="region" aria-label="%s">`,
		c.Title, c.Title)
	write(`<table><thead><tr><th scope="col">%s</th>`, c.Unit)
	for _, name := range c.Series {
		write(`<th scope="col" class="count">%s</th>`, name)
	}
	write(`</tr></thead><tbody>`)
	for _, bar := range c.Bars {
		write(`<tr><th scope="row">%s</th>`, bar.Label)
		for _, value := range bar.Values {
			write(`<td class="count">%s</td>`, counted(value))
		}
		write(`</tr>`)
	}
	write(`</tbody></table></div></details>`)
}

func seriesClass(i int) string {
	if i == 1 {
		return "failed"
	}
	return "done"
}

// counted is number for what is a count already.
func counted(n int64) string {
	text, _ := number(n)
	return text
}

// roundedUp is the upper end of a scale: 2, 4, 6, 10, 20, 40 and so on, the least that is enough.
func roundedUp(highest int64) int64 {
	for power := int64(1); ; power *= 10 {
		for _, step := range []int64{2, 4, 6, 10} {
			if step*power >= highest {
				return step * power
			}
		}
	}
}
