package scenarios_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"sessionlab/scenarios/report"
)

func BenchmarkZZ(b *testing.B) {
	for _, manager := range []string{"StandardManager", "DeltaManager"} {
		for _, n := range []string{"1", "40", "400"} {
			b.Run(manager+"/"+n, func(b *testing.B) {
				text := fmt.Sprintf(reference, manager)
				text = strings.Replace(text, "requests=40", "requests="+n, 1)
				text = strings.Replace(text, "> 1900", "> 1", 1)
				if n == "400" {
					text = strings.Replace(text, "end     10s", "end 100s", 1)
				}
				b.ReportAllocs()
				for b.Loop() {
					r, err := attempt("reference", []byte(text), "sim", inSim)
					if err != nil {
						b.Fatal(err)
					}
					r.WriteText(io.Discard, report.Options{Width: 80})
				}
			})
		}
	}
}
