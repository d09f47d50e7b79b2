// Package secret keeps credentials from being seen: in memory, at rest, and in logs.
//
//   - [String] holds a credential and prints as stars wherever Go can print it.
//   - [Keys] seals credentials for the database (AES-256-GCM, key rotation, bound to their row).
//   - [Token] and [SigningSecret] make new ones; [Hash] is the form in which tokens are stored.
//   - [Redactor] is the last net under the logs: it masks what looks like one of our credentials.
//
// Who may see a secret is decided elsewhere (package control), and so is where sealed values and hashes are kept
// (package store). Passwords of people are not handled here: SHA-256 is right for tokens of 128 random bits and more,
// and wrong for anything a person chose.
package secret
