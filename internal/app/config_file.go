package app

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"gopkg.in/yaml.v3"
)

// maxConfigFile bounds what is read of a configuration file, in bytes.
const maxConfigFile = 64 << 10

// openFile finds and reads the configuration file, notes what is wrong with it, and returns its path, or "" when there
// is none.
func (l *loader) openFile() string {
	path, place, named := l.filePathGiven()
	if !named {
		path = filepath.Join(l.dataDir(), configFile)
	}
	text, err := readCapped(path)
	if !named && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)) {
		return "" // what is wrong with the data folder, if anything, is for those who open it to say
	}
	if err != nil {
		l.refuse(place, fmt.Errorf("cannot be read: %w", err))
		return path
	}
	l.filePath = path
	l.parseFile(text)
	if _, set := l.file[dataDirKey]; set && !named {
		l.refuse("key "+dataDirKey+" in "+path, errors.New("this file was found in the data folder and cannot move it; "+
			"use --data-dir, HUB_DATA_DIR, or name the file with --config"))
	}
	return path
}

func (l *loader) filePathGiven() (path, place string, given bool) {
	if path, set := l.flag(configFlag); set && path != "" {
		return path, "flag --" + configFlag, true
	}
	if path, set := l.env(configEnv); set {
		return path, "environment variable " + configEnv, true
	}
	return "", configFile, false
}

// dataDir is looked up ahead of the other settings, without the file, which is found by means of it.
func (l *loader) dataDir() string {
	for _, f := range fields {
		if f.Key == dataDirKey {
			return strings.TrimSpace(l.find(f).text)
		}
	}
	return ""
}

func readCapped(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // read only
	text, err := io.ReadAll(io.LimitReader(f, maxConfigFile+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxConfigFile {
		return nil, fmt.Errorf("it is longer than %d bytes", maxConfigFile)
	}
	return text, nil
}

// parseFile reads YAML of one mapping from keys to scalars or lists of scalars into l.file. It walks the nodes instead
// of decoding them, to see keys given twice, to keep the text as written (0100 is not octal here), and because the
// decoder's messages quote values.
func (l *loader) parseFile(text []byte) {
	l.file = make(map[string]string)
	decoder := yaml.NewDecoder(strings.NewReader(string(text)))
	var document yaml.Node
	err := decoder.Decode(&document)
	if errors.Is(err, io.EOF) {
		return // nothing but comments
	}
	if err != nil {
		l.refuse(l.filePath, fmt.Errorf("not valid YAML%s", yamlLine(err)))
		return
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		l.refuse(l.filePath, errors.New("want one document, without --- in between"))
		return
	}
	root := document.Content[0]
	if root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		return
	}
	if root.Kind != yaml.MappingNode {
		l.refuse(l.filePath, errors.New("want lines of the form key: value"))
		return
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		l.parseEntry(root.Content[i], root.Content[i+1])
	}
}

// yamlLine takes the line number out of a parser's message, which may quote the text around it.
func yamlLine(err error) string {
	_, rest, found := strings.Cut(err.Error(), "line ")
	if !found {
		return ""
	}
	number, _, _ := strings.Cut(rest, ":")
	if _, err := strconv.Atoi(number); err != nil {
		return ""
	}
	return " near line " + number
}

func (l *loader) parseEntry(key, value *yaml.Node) {
	place := fmt.Sprintf("key %s in %s, line %d", shortKey(key.Value), l.filePath, key.Line)
	if key.Kind != yaml.ScalarNode || !isKey(key.Value) {
		l.refuse(place, unknownKey(key.Value))
		return
	}
	if _, twice := l.file[key.Value]; twice {
		l.refuse(place, errors.New("this key is there already"))
		return
	}
	text, ok := nodeText(value)
	if !ok {
		l.refuse(place, errors.New("want a single value or a list of values"))
		return
	}
	if value.Tag != "!!null" { // "key:" with nothing after it is as good as no key
		l.file[key.Value] = text
	}
}

func isKey(key string) bool {
	for _, f := range fields {
		if f.Key == key {
			return true
		}
	}
	return false
}

// unknownKey names the setting that was probably meant, however it was spelt, or all of them.
func unknownKey(key string) error {
	keys := make([]string, len(fields))
	for i, f := range fields {
		keys[i] = f.Key
		if plainKey(key) == plainKey(f.Key) || plainKey(key) == plainKey(f.Env) {
			return fmt.Errorf("unknown key; did you mean %s?", f.Key)
		}
	}
	return fmt.Errorf("unknown key; known are %s", strings.Join(keys, ", "))
}

// plainKey drops what differs between baseUrl, base_url, base-url and HUB_BASE_URL.
func plainKey(key string) string {
	return strings.NewReplacer("_", "", "-", "").Replace(strings.TrimPrefix(strings.ToLower(key), "hub_"))
}

// shortKey keeps a message readable, and a value that was written where a key belongs out of it.
func shortKey(key string) string {
	const most = 40
	if len(key) > most || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' || r == ':' }) {
		return "(unreadable)"
	}
	return strconv.Quote(key)
}

// nodeText returns a scalar as written, or the items of a list joined by commas.
func nodeText(node *yaml.Node) (string, bool) {
	switch node.Kind {
	case yaml.ScalarNode:
		return node.Value, true
	case yaml.SequenceNode:
		items := make([]string, len(node.Content))
		for i, item := range node.Content {
			if item.Kind != yaml.ScalarNode {
				return "", false
			}
			items[i] = item.Value
		}
		return strings.Join(items, ","), true
	default:
		return "", false // mappings, and aliases, which a file of this size does not need
	}
}
