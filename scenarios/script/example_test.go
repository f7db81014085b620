package script_test

import (
	"fmt"

	"sessionlab/scenarios/script"
)

func ExampleParse() {
	_, err := script.Parse("churn.txt", []byte("nodes 2\nproxy stiky=route\nend 2s\n"))
	fmt.Println(err)
	// Output:
	// churn.txt:2:7: unknown option "stiky" of proxy round_robin
	//     proxy stiky=route
	//           ^
	//     hint: did you mean "sticky"?
}

func ExampleScenario_Cells() {
	s, err := script.Parse("gap.txt", []byte(`nodes 2
sweep gap = 0s..4s step 2s
wait $gap
end 10s
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range s.Cells() {
		fmt.Println(c.Label, "->", c.Scenario.Script[0])
	}
	// Output:
	// gap=0s -> wait 0s
	// gap=2s -> wait 2s
	// gap=4s -> wait 4s
}

func ExampleCondition_Eval() {
	s, err := script.Parse("lost.txt", []byte("nodes 2\nend 2s\nexpect sessions.lost == 0\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	measured := func(f script.Figure) (script.Value, bool) { return script.CountOf(3), f.Name == "sessions.lost" }
	r := s.Final[0].Act.(script.Expect).Cond.Eval(measured)
	fmt.Println(r.Outcome, "-", r.Actual)
	// Output:
	// fails - sessions.lost = 3
}
