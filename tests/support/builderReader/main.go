// Answers how the engine's own Dockerfile code reads a text: one JSON question a line, one JSON answer a line.
package main

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"

	"github.com/dagger/dagger/internal/buildkit/frontend/dockerfile/instructions"
	"github.com/dagger/dagger/internal/buildkit/frontend/dockerfile/parser"
	"github.com/dagger/dagger/internal/buildkit/frontend/dockerfile/shell"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

type question struct {
	Kind  string
	Text  string
	Env   []string
	Paths []string
}

type heredoc struct {
	Name, Content string
	Chomp         bool
}

type line struct {
	Keyword, Text string
	Flags, Args   []string
	JSON          bool
	Start, End    int
	Heredocs      []heredoc
}

type answer struct {
	Error   string
	Text    string
	Lines   []line
	Matches []bool
	Escape  string
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<26)
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for in.Scan() {
		var q question
		if err := json.Unmarshal(in.Bytes(), &q); err != nil {
			panic(err)
		}
		a, err := ask(q)
		if err != nil {
			a = answer{Error: err.Error()}
		}
		if err := out.Encode(a); err != nil {
			panic(err)
		}
	}
}

func ask(q question) (answer, error) {
	switch q.Kind {
	case "expand":
		text, _, err := shell.NewLex('\\').ProcessWord(q.Text, shell.EnvsFromSlice(q.Env))
		return answer{Text: text}, err
	case "ignore":
		return ignored(q)
	case "match":
		return matched(q)
	case "instructions":
		return accepted(q)
	default:
		return parsed(q)
	}
}

func ignored(q question) (answer, error) {
	patterns, err := ignorefile.ReadAll(strings.NewReader(q.Text))
	if err != nil {
		return answer{}, err
	}
	matcher, err := patternmatcher.New(patterns)
	if err != nil {
		return answer{}, err
	}
	matches := []bool{}
	for _, path := range q.Paths {
		match, err := matcher.MatchesOrParentMatches(path)
		if err != nil {
			return answer{}, err
		}
		matches = append(matches, match)
	}
	return answer{Matches: matches}, nil
}

func matched(q question) (answer, error) {
	matches := []bool{}
	for _, path := range q.Paths {
		match, err := filepath.Match(q.Text, path)
		if err != nil {
			return answer{}, err
		}
		matches = append(matches, match)
	}
	return answer{Matches: matches}, nil
}

// accepted parses every instruction, and the mounts of each RUN as if all its variables were known.
func accepted(q question) (answer, error) {
	result, err := parser.Parse(strings.NewReader(q.Text))
	if err != nil {
		return answer{}, err
	}
	stages, _, err := instructions.Parse(result.AST, nil)
	if err != nil {
		return answer{}, err
	}
	for _, stage := range stages {
		for _, command := range stage.Commands {
			run, ok := command.(*instructions.RunCommand)
			if !ok {
				continue
			}
			if err := run.Expand(func(word string) (string, error) { return word, nil }); err != nil {
				return answer{}, err
			}
		}
	}
	return answer{}, nil
}

func parsed(q question) (answer, error) {
	result, err := parser.Parse(strings.NewReader(q.Text))
	if err != nil {
		return answer{}, err
	}
	lines := []line{}
	for _, node := range result.AST.Children {
		l := line{Keyword: node.Value, Text: node.Original, Flags: node.Flags, Args: []string{}, JSON: node.Attributes["json"], Start: node.StartLine, End: node.EndLine, Heredocs: []heredoc{}}
		for next := node.Next; next != nil; next = next.Next {
			l.Args = append(l.Args, next.Value)
		}
		for _, each := range node.Heredocs {
			l.Heredocs = append(l.Heredocs, heredoc{each.Name, each.Content, each.Chomp})
		}
		lines = append(lines, l)
	}
	return answer{Lines: lines, Escape: string(result.EscapeToken)}, nil
}
