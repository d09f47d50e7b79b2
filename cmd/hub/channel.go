package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/nself-chat/hub/client"
)

func newChannelCommand(r *reach) *cobra.Command {
	return r.noun(&cobra.Command{
		Use:     "channel",
		Aliases: []string{"channels"},
		Short:   "Manage channels and who is in them",
		Long:    "Manage the channels of the chat and their members. A channel is named by its name, with or without #, or by its id.",
		Example: "  hub channel create builds --topic 'What CI says'\n  hub channel members general",
	}, newChannelListCommand(r), newChannelShowCommand(r), newChannelCreateCommand(r), newChannelEditCommand(r), newChannelArchiveCommand(r),
		newChannelUnarchiveCommand(r), newChannelDeleteCommand(r), newChannelMembersCommand(r), newChannelJoinCommand(r), newChannelLeaveCommand(r))
}

func newChannelListCommand(r *reach) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List channels",
		Long:    "List the channels that you may see, by name.",
		Example: "  hub channel list\n  hub channel list --json | jq -r '.[] | select(.isArchived) | .name'",
		Args:    cobra.NoArgs,
		RunE: r.job(func(j *job, _ []string) error {
			return printList(j, j.Channels(j.ctx), 0, "There are no channels that you may see: `hub channel create NAME` makes one.",
				func(c client.Channel) string { return c.ID }, []column[client.Channel]{
					{"ID", func(c client.Channel) string { return c.ID }},
					{"NAME", func(c client.Channel) string { return "#" + c.Name }},
					{"TYPE", channelType},
					{"MEMBERS", func(c client.Channel) string { return fmt.Sprint(c.MemberCount) }},
					{"MESSAGES", func(c client.Channel) string { return fmt.Sprint(c.MessageCount) }},
					{"LAST MESSAGE", func(c client.Channel) string { return minute(c.LastMessageAt) }},
					{"TOPIC", func(c client.Channel) string { return c.Topic }},
				})
		}),
	}
	var quiet bool
	quietFlag(cmd, &quiet)
	watchFlag(cmd)
	return cmd
}

func channelType(c client.Channel) string {
	if c.IsArchived {
		return c.Type + ", archived"
	}
	return c.Type
}

func (j *job) showChannel(c client.Channel) error {
	return j.show(c.ID, "ID", c.ID, "Name", "#"+c.Name, "Type", channelType(c), "Topic", c.Topic, "Description", c.Description,
		"Default", yes(c.IsDefault), "Members", fmt.Sprint(c.MemberCount), "Messages", fmt.Sprint(c.MessageCount),
		"Last message", minute(c.LastMessageAt), "Created", clock(c.CreatedAt), "Created by", j.userName(c.CreatedBy),
		"Archived", clock(c.ArchivedAt))
}

// channel is the work of commands on one channel that end with showing it.
func (r *reach) channel(work func(j *job, id string) (client.Channel, error)) func(*cobra.Command, []string) error {
	return r.job(func(j *job, args []string) error {
		id, err := j.channelID(args[0])
		if err != nil {
			return err
		}
		c, err := work(j, id)
		if err != nil {
			return err
		}
		return j.showChannel(c)
	})
}

func newChannelShowCommand(r *reach) *cobra.Command {
	cmd := &cobra.Command{
		Use:               "show CHANNEL",
		Short:             "Show a channel",
		Long:              "Show a channel.",
		Example:           "  hub channel show general",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: r.completeChannels(),
		RunE:              r.channel(func(j *job, id string) (client.Channel, error) { return j.Channel(j.ctx, id) }),
	}
	watchFlag(cmd)
	return cmd
}

func newChannelCreateCommand(r *reach) *cobra.Command {
	var n client.NewChannel
	var private, quiet bool
	cmd := &cobra.Command{
		Use:     "create NAME",
		Short:   "Make a channel",
		Long:    "Make a channel. Its name has lower-case letters, digits, - and _, and is no other channel's.",
		Example: "  hub channel create builds --topic 'What CI says'\n  hub channel create board --private",
		Args:    cobra.ExactArgs(1),
		RunE: r.job(func(j *job, args []string) error {
			n.Name = args[0]
			if private {
				n.Type = "private"
			}
			c, err := j.CreateChannel(j.ctx, n)
			if err != nil {
				return err
			}
			return j.showChannel(c)
		}),
	}
	cmd.Flags().BoolVar(&private, "private", false, "only for its members")
	cmd.Flags().StringVar(&n.Topic, "topic", "", "what it is about")
	cmd.Flags().StringVar(&n.Description, "description", "", "what it is for")
	quietFlag(cmd, &quiet)
	return cmd
}

func newChannelEditCommand(r *reach) *cobra.Command {
	var f change
	var name, topic, description string
	cmd := &cobra.Command{
		Use:               "edit CHANNEL",
		Short:             "Change a channel",
		Long:              "Change a channel. What no flag names stays as it is.",
		Example:           "  hub channel edit builds --topic 'What CI says' --name ci\n  hub channel edit ci --reset topic",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: r.completeChannels(),
		RunE: r.channel(func(j *job, id string) (client.Channel, error) {
			if err := f.empty("name", "topic", "description"); err != nil {
				return client.Channel{}, err
			}
			return j.UpdateChannel(j.ctx, id, client.ChannelChange{
				Name: given(&f, "name", name), Topic: given(&f, "topic", topic), Description: given(&f, "description", description),
			}, j.onVersion()...)
		}),
	}
	cmd.Flags().StringVar(&name, "name", "", "new name")
	cmd.Flags().StringVar(&topic, "topic", "", "what it is about")
	cmd.Flags().StringVar(&description, "description", "", "what it is for")
	versionFlag(cmd)
	f.resetFlag(cmd, "topic", "description")
	return cmd
}

func newChannelArchiveCommand(r *reach) *cobra.Command {
	return &cobra.Command{
		Use:               "archive CHANNEL",
		Short:             "Close a channel to new messages",
		Long:              "Close a channel to new messages. What it has can still be read, and it can be opened again.",
		Example:           "  hub channel archive builds",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: r.completeChannels(),
		RunE: r.channel(func(j *job, id string) (client.Channel, error) {
			return j.UpdateChannel(j.ctx, id, client.ChannelChange{IsArchived: client.Set(true)})
		}),
	}
}

func newChannelUnarchiveCommand(r *reach) *cobra.Command {
	return &cobra.Command{
		Use:               "unarchive CHANNEL",
		Short:             "Open an archived channel again",
		Long:              "Open an archived channel to new messages again.",
		Example:           "  hub channel unarchive builds",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: r.completeChannels(),
		RunE: r.channel(func(j *job, id string) (client.Channel, error) {
			return j.UpdateChannel(j.ctx, id, client.ChannelChange{IsArchived: client.Set(false)})
		}),
	}
}

func newChannelDeleteCommand(r *reach) *cobra.Command {
	cmd := &cobra.Command{
		Use:               "delete CHANNEL...",
		Short:             "Delete channels with their messages",
		Long:              "Delete channels with all of their messages, for good. `archive` keeps them.",
		Example:           "  hub channel delete builds --yes",
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: r.completeChannels(),
		RunE: r.job(func(j *job, args []string) error {
			if err := j.confirm("Delete the channel %s with all messages for good?", join(args, "and")); err != nil {
				return err
			}
			return j.each(args, func(arg string) error {
				id, err := j.channelID(arg)
				if err != nil {
					return err
				}
				if err := j.DeleteChannel(j.ctx, id); err != nil {
					return err
				}
				return j.done("Deleted the channel %s with its messages.", arg)
			})
		}),
	}
	yesFlag(cmd)
	return cmd
}

// memberColumns are the columns of memberships.
var memberColumns = []column[client.Member]{
	{"USER ID", func(m client.Member) string { return m.UserID }},
	{"USERNAME", func(m client.Member) string { return m.User.Username }},
	{"NAME", func(m client.Member) string { return m.User.DisplayName }},
	{"KIND", func(m client.Member) string { return m.User.Kind }},
	{"ROLE", func(m client.Member) string { return m.Role }},
	{"JOINED", func(m client.Member) string { return minute(m.JoinedAt) }},
}

func newChannelMembersCommand(r *reach) *cobra.Command {
	cmd := &cobra.Command{
		Use:               "members CHANNEL",
		Short:             "List the members of a channel",
		Long:              "List the members of a channel. `join` and `leave` change who is one.",
		Example:           "  hub channel members general",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: r.completeChannels(),
		RunE: r.job(func(j *job, args []string) error {
			id, err := j.channelID(args[0])
			if err != nil {
				return err
			}
			return printList(j, j.Members(j.ctx, id), 0, "It has no members: `hub channel join CHANNEL USER` makes somebody one.",
				func(m client.Member) string { return m.UserID }, memberColumns)
		}),
	}
	var quiet bool
	quietFlag(cmd, &quiet)
	watchFlag(cmd)
	return cmd
}

// membership finds the channel and the user of a membership.
func (j *job) membership(channel, user string) (channelID, userID string, err error) {
	if channelID, err = j.channelID(channel); err != nil {
		return "", "", err
	}
	userID, err = j.userID(user)
	return channelID, userID, err
}

func newChannelJoinCommand(r *reach) *cobra.Command {
	var role string
	cmd := &cobra.Command{
		Use:               "join CHANNEL USER...",
		Short:             "Make users members of a channel",
		Long:              "Make users members of a channel, or change the role in which they are.",
		Example:           "  hub channel join builds ada grace\n  hub channel join builds ada --role admin",
		Args:              cobra.MinimumNArgs(2),
		ValidArgsFunction: r.completeChannels(),
		RunE: r.job(func(j *job, args []string) error {
			return j.each(args[1:], func(user string) error {
				channelID, userID, err := j.membership(args[0], user)
				if err != nil {
					return err
				}
				m, err := j.SetMember(j.ctx, channelID, userID, role)
				if err != nil {
					return err
				}
				if j.json {
					return j.document(j.said.last())
				}
				_, err = fmt.Fprintf(j.out, "%s is a member of %s, in the role %s.\n", oneLine(m.User.Username), oneLine(j.channelName(channelID)), m.Role)
				return err
			})
		}),
	}
	cmd.Flags().StringVar(&role, "role", "", "owner, admin, member or guest (default: member)")
	completeFlag(cmd, "role", oneOf("owner", "admin", "member", "guest"))
	return cmd
}

func newChannelLeaveCommand(r *reach) *cobra.Command {
	return &cobra.Command{
		Use:               "leave CHANNEL USER...",
		Short:             "End memberships of a channel",
		Long:              "End the memberships of users in a channel. They can join again.",
		Example:           "  hub channel leave builds ada",
		Args:              cobra.MinimumNArgs(2),
		ValidArgsFunction: r.completeChannels(),
		RunE: r.job(func(j *job, args []string) error {
			return j.each(args[1:], func(user string) error {
				channelID, userID, err := j.membership(args[0], user)
				if err != nil {
					return err
				}
				if err := j.RemoveMember(j.ctx, channelID, userID); err != nil {
					return err
				}
				return j.done("%s is no member of %s any more.", user, args[0])
			})
		}),
	}
}
