package main

import (
	"context"
	"iter"
	"os"
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
	_, err = os.Stat(config.SocketPath())
	return err == nil
}

func (r *reach) completeChannels() completion {
	return complete(r, func(ctx context.Context, c *client.Client) iter.Seq2[client.Channel, error] { return c.Channels(ctx) },
		func(c client.Channel) string { return c.Name })
}

func (r *reach) completeIncoming() completion {
	return complete(r, func(ctx context.Context, c *client.Client) iter.Seq2[client.IncomingWebhook, error] {
		return c.IncomingWebhooks(ctx)
	},
		func(w client.IncomingWebhook) string { return w.Name + "\t" + w.ID })
}

func (r *reach) completeOutgoing() completion {
	return complete(r, func(ctx context.Context, c *client.Client) iter.Seq2[client.OutgoingWebhook, error] {
		return c.OutgoingWebhooks(ctx)
	},
		func(w client.OutgoingWebhook) string { return w.Name + "\t" + w.URL })
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
	examples := map[string]string{
		"bash":       "  hub completion bash > /etc/bash_completion.d/hub",
		"zsh":        "  hub completion zsh > \"${fpath[1]}/_hub\"",
		"fish":       "  hub completion fish > ~/.config/fish/completions/hub.fish",
		"powershell": "  hub completion powershell | Out-String | Invoke-Expression",
	}
	for _, cmd := range root.Commands() {
		if cmd.Name() != "completion" {
			continue
		}
		cmd.Example = examples["bash"]
		for _, shell := range cmd.Commands() {
			shell.Example = examples[shell.Name()]
		}
		group(cmd)
	}
}
