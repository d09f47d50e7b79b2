// Command promql reads files of alert rules (.yml) and Grafana dashboards
// (.json) and fails when a rule, a template in it, or a PromQL expression cannot
// be parsed. It is a module of its own: nothing else depends on Prometheus.
//
//	go run . FILE...
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

func main() {
	failed := false
	for _, file := range os.Args[1:] {
		n, err := check(file)
		if err == nil && n == 0 {
			err = errors.New("no expression in it")
		}
		if err != nil {
			failed = true
			fmt.Fprintf(os.Stderr, "%s: %v\n", file, err)
			continue
		}
		fmt.Printf("%s: %d expressions\n", file, n)
	}
	if failed || len(os.Args) < 2 {
		os.Exit(1)
	}
}

// check returns how many expressions the file has.
func check(file string) (int, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	if filepath.Ext(file) == ".json" {
		return checkDashboard(text)
	}
	return checkRules(text)
}

func checkRules(text []byte) (n int, err error) {
	groups, errs := rulefmt.Parse(text, false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.Default())
	if groups != nil {
		for _, g := range groups.Groups {
			n += len(g.Rules)
		}
	}
	return n, errors.Join(errs...)
}

// variables stand for what Grafana puts in before it asks.
var variables = strings.NewReplacer("$__rate_interval", "5m", "$__range", "1h", "$job", ".*", "$instance", ".*")

func checkDashboard(text []byte) (n int, err error) {
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		return 0, err
	}
	p := parser.NewParser(parser.Options{})
	var errs []error
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			n++
			if _, err := p.ParseExpr(variables.Replace(target.Expr)); err != nil {
				errs = append(errs, fmt.Errorf("panel %q: %w", panel.Title, err))
			}
		}
	}
	return n, errors.Join(errs...)
}
