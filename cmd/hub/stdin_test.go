package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
)

// TestInterruptibleInput: a read that waits for somebody to type ends with the command.
func TestInterruptibleInput(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	typed, keyboard := io.Pipe()
	defer keyboard.Close()
	in := interruptible(ctx, typed)
	go func() { _, _ = keyboard.Write([]byte("half")) }()
	text := make([]byte, 4)
	if _, err := io.ReadFull(in, text); err != nil || string(text) != "half" {
		t.Errorf("%q, %v", text, err)
	}
	cancel()
	if _, err := in.Read(text); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	all, err := io.ReadAll(interruptible(t.Context(), bytes.NewReader([]byte("all of it"))))
	if err != nil || string(all) != "all of it" {
		t.Errorf("%q, %v", all, err)
	}
}
