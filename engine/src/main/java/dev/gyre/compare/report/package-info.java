/** A comparison for readers: a page, a summary in Markdown, and all numbers as JSON. */
@NullMarked
package dev.gyre.compare.report;

import org.jspecify.annotations.NullMarked;
