package main

import (
	"context"
	"iter"
	"net"
	"time"

	"github.com/spf13/cobra"

	"github.com/nself-chat/hub/client"
)

// completionTime bounds what a person waits for after the tabulator.
const completionTime = 2 * time.Second

// complete offers the names of what a list has for the first argument, or for
// a flag. What cannot be had at once is not offered.
func complete[T any](r *reach, items func(context.Context, *client.Client) iter.Seq2[T, error], text func(T) string) completion {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveDefault
		}
		ctx, cancel := context.WithTimeout(context.Background(), completionTime)
		defer cancel()
		if !r.quick() {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		c, err := r.connect(ctx, client.WithRetries(0))
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		defer c.close() //nolint:errcheck // a shell waits for words only
		var words []string
		for item, err := range items(ctx, c.Client) {
			if err != nil {
				break
			}
			words = append(words, text(item))
		}
		return words, cobra.ShellCompDirectiveNoFileComp
	}
}

// quick reports whether a hub can be asked without opening its database.
func (r *reach) quick() bool {
	at, err := r.where()
	if err != nil || !at.local {
		return err == nil
	}
	config, err := r.config()
	if err != nil {
		return false
	}
	conn, err := net.DialTimeout("unix", config.SocketPath(), completionTime) // a hub that was killed has left the file
	if err != nil {
		return false
	}
	return conn.Close() == nil
}

func (r *reach) completeChannels() completion {
	return complete(r, func(ctx context.Context, c *client.Client) iter.Seq2[client.Channel, error] { return c.Channels(ctx) },
		func(c client.Channel) string { return c.Name })
}

func (r *reach) completeIncoming() completion {
	return complete(r, func(ctx context.Context, c *client.Client) iter.Seq2[client.IncomingWebhook, error] {
		return c.IncomingWebhooks(ctx)
	},
		func(w client.IncomingWebhook) string { return oneLine(w.Name) + "\t" + w.ID })
}

func (r *reach) completeOutgoing() completion {
	return complete(r, func(ctx context.Context, c *client.Client) iter.Seq2[client.OutgoingWebhook, error] {
		return c.OutgoingWebhooks(ctx)
	},
		func(w client.OutgoingWebhook) string { return oneLine(w.Name) + "\t" + oneLine(w.URL) })
}

// completeFlag completes the values of a flag. The flag exists.
func completeFlag(cmd *cobra.Command, flag string, words completion) {
	_ = cmd.RegisterFlagCompletionFunc(flag, func(cmd *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
		return words(cmd, nil, begun)
	})
}

// oneOf offers fixed words.
func oneOf(words ...string) completion {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return words, cobra.ShellCompDirectiveNoFileComp
	}
}

// finishCompletion adds cobra's completion commands, with examples.
func finishCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd("completion")
	where := map[string]struct{ long, example string }{
		"bash": {
			"Load it in every new shell, by the package bash-completion.",
			"  source <(hub completion bash)                           # in this shell\n" +
				"  hub completion bash > /etc/bash_completion.d/hub        # in every new one",
		},
		"zsh": {
			"Load it in every new shell, where compinit runs: echo 'autoload -U compinit; compinit' >> ~/.zshrc",
			"  hub completion zsh > \"${fpath[1]}/_hub\"",
		},
		"fish":       {"Load it in every new shell.", "  hub completion fish > ~/.config/fish/completions/hub.fish"},
		"powershell": {"Load it in this shell, or in every new one from its profile.", "  hub completion powershell | Out-String | Invoke-Expression"},
	}
	for _, cmd := range root.Commands() {
		if cmd.Name() != "completion" {
			continue
		}
		cmd.Short, cmd.Example = "Print the completion of commands and names for a shell", where["bash"].example
		cmd.Long = "Print the completion of commands, flags, channels and webhooks for a shell, which loads it."
		for _, shell := range cmd.Commands() {
			at := where[shell.Name()]
			shell.Short = "Print the completion for " + shell.Name()
			shell.Long, shell.Example = shell.Short+". "+at.long, at.example
		}
		group(cmd)
	}
}
