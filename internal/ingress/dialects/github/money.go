package github

import (
	"strconv"

	"github.com/nself-chat/hub/internal/ingress/dialect"
)

func sponsorship(e *event) message {
	s := e.in("sponsorship")
	tier := s.Get("tier").Object()
	sponsor, sponsored := person(s.Get("sponsor").Object()), person(s.Get("sponsorable").Object())
	m := message{color: dialect.Green}
	switch e.action {
	case "created":
		m.line = say(sponsor, txt("now sponsors"), sponsored, with("with", bold(tier.Str("name"))))
	case "cancelled":
		m.line, m.color = say(sponsor, txt("no longer sponsors"), sponsored), dialect.Grey
	case "pending_cancellation":
		m.line, m.color = say(sponsor, txt("will stop sponsoring"), sponsored), dialect.Yellow
	case "tier_changed":
		m.line = say(sponsor, txt("now sponsors"), sponsored, with("with", bold(tier.Str("name"))))
	case "pending_tier_change":
		m.line, m.color = say(sponsor, txt("will change how they sponsor"), sponsored), dialect.Yellow
	default:
		m.line = say(sponsor, txt(words(e.action)), txt("their sponsorship of"), sponsored)
	}
	m.markdown(tier.Str("description"), "")
	m.facts.Add("Tier", tier.Str("name"))
	m.facts.Add("Tier before", e.Str("changes", "tier", "from", "name"))
	m.day("From", e.Get("effective_date"))
	m.facts.Add("Privacy", s.Str("privacy_level"))
	return m
}

func marketplacePurchase(e *event) message {
	p := e.in("marketplace_purchase")
	plan := p.Get("plan").Object()
	verb := words(e.action)
	m := message{color: dialect.Green}
	switch e.action {
	case "purchased":
		verb = "bought"
	case "cancelled":
		m.color = dialect.Red
	case "pending_change":
		verb, m.color = "will change", dialect.Yellow
	case "pending_change_cancelled":
		verb = "will not change"
	}
	m.line = say(txt(p.Str("account", "login")), txt(verb), txt("the Marketplace plan"), bold(plan.Str("name")))
	if description := plan.Str("description"); description != plan.Str("name") {
		m.plain(description)
	}
	m.facts.Add("Price", price(p))
	m.facts.Add("Units", seats(p))
	if before := e.in("previous_marketplace_purchase"); len(before) > 0 {
		m.facts.Add("Plan before", before.Str("plan", "name"))
		m.facts.Add("Units before", seats(before))
	}
	m.day("From", e.Get("effective_date"))
	m.day("Free trial until", p.Get("free_trial_ends_on"))
	m.day("Next bill", p.Get("next_billing_date"))
	m.facts.AddLine("By", person(e.sender)...)
	return m
}

// price is what a plan costs for each period of billing.
func price(p dialect.Object) string {
	member, period := "monthly_price_in_cents", "a month"
	if p.Str("billing_cycle") == "yearly" {
		member, period = "yearly_price_in_cents", "a year"
	}
	cents, err := strconv.ParseFloat(p.Str("plan", member), 64)
	if err != nil {
		return ""
	}
	price := "$" + strconv.FormatFloat(cents/100, 'f', 2, 64)
	if unit := p.Str("plan", "unit_name"); unit != "" {
		price += " for each " + unit
	}
	return price + " " + period
}

// seats is how many units of a plan were bought.
func seats(p dialect.Object) string {
	n, unit := p.Str("unit_count"), first(p.Str("plan", "unit_name"), "unit")
	switch n {
	case "":
		return ""
	case "1":
		return "1 " + unit
	}
	return n + " " + unit + "s"
}
