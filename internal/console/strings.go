package console

import "strconv"

// All texts of the pages, in one place: to be read as a whole, and to be
// translated one day. The script gets the ones it shows from data attributes.
const (
	textProduct = "nself-chat hub"

	textSkip           = "Skip to the messages"
	textChannels       = "Channels"
	textArchived       = "Archived"
	textPrivate        = "private"
	textNoChannels     = "No channel is visible to you yet."
	textNoChannelsHelp = "Channels are made with the API: POST /api/channels."
	textSignedInAs     = "Signed in as"
	textSignOut        = "Sign out"

	textMessages       = "Messages"
	textNoMessages     = "No messages yet."
	textNoMessagesHelp = "Write the first one below, or let something post through an incoming webhook."
	textLoadOlder      = "Load older"
	textNewest         = "Back to the newest"
	textOlderPage      = "You are reading older messages."
	textEdited         = "edited"
	textPinned         = "pinned"
	textDeleted        = "This message was deleted."
	textThread         = "Thread"
	textBackToChannel  = "Back to the channel"
	textReplyInThread  = "Reply in thread"
	textNoReplies      = "No replies yet."
	textPermalink      = "Link to this message"
	textReactedBy      = "reactions with"

	textCompose       = "Message"
	textSend          = "Send"
	textSendHint      = "Enter sends, Shift+Enter starts a new line. Markdown works."
	textReadOnly      = "You can read here, but not write."
	textArchivedNote  = "This channel is archived. Nothing new can be posted."
	textSendFailed    = "The message could not be sent. It is still in the box; try again."
	textReconnecting  = "Connection lost. Reconnecting…"
	textStreamRefused = "Live updates have ended. Reload the page to go on."

	textNotSignedIn      = "You are not signed in"
	textNotSignedInHelp  = "The hub has no passwords. It lets you in with a link that works once, for 15 minutes. To get one, run this where the hub runs, and open what it prints:"
	textNotSignedInOther = "If somebody else runs this hub, ask them for a link."
	textLoginCommand     = "hub login"
	textSignIn           = "Sign in"
	textSignInHelp       = "This link signs this browser in. It works once."
	textSignInButton     = "Sign in to the hub"
	textSignInFailed     = "Signing in did not work"
	textNewLink          = "Get a new link with:"

	textNotFound     = "Nothing here"
	textNotFoundHelp = "There is nothing at this address, or it is not visible to you."
	textForbidden    = "Not allowed"
	textFailed       = "Something went wrong"
	textHome         = "To the channels"
	textRequestID    = "Request id:"
)

// Badges of authors that are not people of this hub.
const (
	badgeBot     = "bot"
	badgeWebhook = "webhook"
	badgeSystem  = "system"
	badgeRemote  = "bridged"
)

func textReplies(n int) string {
	if n == 1 {
		return "1 reply"
	}
	return strconv.Itoa(n) + " replies"
}

func textSendTo(channel string) string { return "Message #" + channel }

func textTitle(name string) string { return name + " · " + textProduct }
