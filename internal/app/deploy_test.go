package app

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// compose is what the tests read of deploy/docker-compose.yml.
type compose struct {
	Services map[string]struct {
		Image       string
		Build       string
		Environment map[string]string
		Volumes     []string
		Networks    []string
		Healthcheck struct{ Test []string }
		DependsOn   yaml.Node `yaml:"depends_on"`
	}
	Networks map[string]yaml.Node
	Volumes  map[string]yaml.Node
}

// The hubs of docker-compose.yml have the same settings, which a hub accepts,
// and what the proxy passes on to is them.
func TestCompose(t *testing.T) {
	text, err := os.ReadFile("../../deploy/docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	// As Compose fills them in (${NAME:?message}).
	variable := regexp.MustCompile(`\$\{(\w+)(?::\?[^}]*)?\}`)
	values := map[string]string{
		"SITE": "hub.example.com", "BASE_URL": "https://hub.example.com", "POSTGRES_PASSWORD": "p",
		"HUB_SECRET_KEYS": "k1:" + keyText, "HUB_ADMIN_TOKEN": "an-admin-token-of-this-test",
	}
	text = variable.ReplaceAllFunc(text, func(match []byte) []byte {
		name := string(variable.FindSubmatch(match)[1])
		if values[name] == "" {
			t.Errorf("nobody is told to set %s", name)
		}
		return []byte(values[name])
	})
	var c compose
	if err := yaml.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	proxy, err := os.ReadFile("../../deploy/Caddyfile")
	if err != nil {
		t.Fatal(err)
	}
	hubs := 0
	for name, s := range c.Services {
		for _, v := range s.Volumes {
			volume, _, _ := strings.Cut(v, ":")
			_, named := c.Volumes[volume]
			if _, err := os.Stat("../../deploy/" + volume); !named && err != nil {
				t.Errorf("%s: there is no volume %s", name, volume)
			}
		}
		for _, n := range s.Networks {
			if _, ok := c.Networks[n]; !ok {
				t.Errorf("%s: there is no network %s", name, n)
			}
		}
		if name != "proxy" && len(s.Healthcheck.Test) == 0 {
			t.Errorf("%s has no health check", name)
		}
		if !strings.HasPrefix(name, "hub") {
			continue
		}
		hubs++
		checkEnvironment(t, name, s.Environment)
		config, err := LoadConfig(nil, environment(s.Environment))
		if err != nil || !config.Database.Postgres || config.SecretKeys.IsZero() || len(config.Incoming.TrustedProxies) != 1 {
			t.Errorf("%s: %v", name, err)
		}
		if !strings.Contains(string(proxy), " "+name+":8000") {
			t.Errorf("the proxy does not know %s", name)
		}
	}
	if hubs != 2 {
		t.Errorf("%d hubs", hubs)
	}
}

// checkEnvironment fails for variables that look like the hub's and are not.
func checkEnvironment(t *testing.T, place string, env map[string]string) {
	t.Helper()
	known := map[string]bool{configEnv: true}
	for _, f := range fields {
		known[f.Env] = true
	}
	for name := range env {
		if strings.HasPrefix(name, "HUB_") && !known[name] {
			t.Errorf("%s sets %s, which is no setting", place, name)
		}
	}
}

// Every variable that the files in deploy and the pages about running the hub
// name is a setting.
func TestVariablesInDeploy(t *testing.T) {
	variable := regexp.MustCompile(`\bHUB_[A-Z][A-Z_]*[A-Z]\b`)
	for _, file := range []string{
		"Dockerfile", "deploy/README.md", "deploy/hub.service", "deploy/docker-compose.yml", "deploy/Caddyfile", "deploy/prometheus/alerts.yml",
		"deploy/grafana/hub.json", "docs/operations.md", "docs/scaling.md",
	} {
		text, err := os.ReadFile("../../" + file)
		if err != nil {
			t.Fatal(err)
		}
		named := map[string]string{}
		for _, name := range variable.FindAllString(string(text), -1) {
			named[name] = ""
		}
		checkEnvironment(t, file, named)
	}
}

// The dashboard has the form that Grafana imports: a data source and hubs to
// choose, and panels that do not lie on one another.
func TestDashboard(t *testing.T) {
	text, err := os.ReadFile("../../deploy/grafana/hub.json")
	if err != nil {
		t.Fatal(err)
	}
	type source struct{ Type, UID string }
	var d struct {
		UID           string
		Title         string
		SchemaVersion int
		Templating    struct {
			List []struct {
				Name, Type string
				Datasource source
			}
		}
		Panels []struct {
			ID          int
			Type, Title string
			GridPos     struct{ H, W, X, Y int }
			Datasource  source
			Targets     []struct {
				RefID, Expr string
				Datasource  source
			}
		}
	}
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	if d.UID == "" || d.Title == "" || d.SchemaVersion < 39 {
		t.Errorf("%q %q, version %d of the schema", d.UID, d.Title, d.SchemaVersion)
	}
	chosen := source{"prometheus", "${datasource}"}
	var variables []string
	for _, v := range d.Templating.List {
		variables = append(variables, v.Name)
		if v.Type == "query" && v.Datasource != chosen {
			t.Errorf("variable %s asks %v", v.Name, v.Datasource)
		}
	}
	if !slices.Equal(variables, []string{"datasource", "job", "instance"}) {
		t.Errorf("variables: %v", variables)
	}
	ids, cells := map[int]bool{}, map[[2]int]string{}
	for _, p := range d.Panels {
		if p.Title == "" || ids[p.ID] {
			t.Errorf("panel %d %q has no title, or not an id of its own", p.ID, p.Title)
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := cells[[2]int{x, y}]; other != "" || x >= 24 {
					t.Fatalf("%q lies on %q or beside the page", p.Title, other)
				}
				cells[[2]int{x, y}] = p.Title
			}
		}
		if p.Type == "row" {
			continue
		}
		if len(p.Targets) == 0 || p.Datasource != chosen {
			t.Errorf("%q asks nothing, or %v", p.Title, p.Datasource)
		}
		refs := map[string]bool{}
		for _, target := range p.Targets {
			if target.Expr == "" || refs[target.RefID] || target.Datasource != chosen || !strings.Contains(target.Expr, `job=~"$job"`) {
				t.Errorf("%q, query %s: %s", p.Title, target.RefID, target.Expr)
			}
			refs[target.RefID] = true
		}
	}
}
