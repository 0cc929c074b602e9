package dev.gyre.compare;

/**
 * What a model, with or without an adapter, scored.
 *
 * @param heldOut −Σ log p of each held-out row's answer, in nats
 * @param exact for each question, 1 where the greedy answer was the row's word for word, else 0
 * @param general −Σ log p of each piece of the general text, in nats
 */
@SuppressWarnings("ArrayRecordComponent") // made once and read; nobody compares them
public record Scores(double[] heldOut, double[] exact, double[] general) {}
