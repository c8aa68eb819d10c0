// Observables as queues: tests ask for the next value and wait for it.

/**
 * Subscribes with a sink and gives `next()`, which waits for the next value or throws the error that ended it, and `stop()`.
 * `subscribe` gets `{next, error, complete}` and gives `{unsubscribe}`.
 */
export function collect(subscribe) {
  const values = [], waiting = [];
  const tell = (said) => (waiting.length > 0 ? waiting.shift()(said) : values.push(said));
  const subscription = subscribe({
    next: (value) => tell({ value }),
    error: (error) => tell({ error }),
    complete: () => tell({ error: new Error('it is complete') }),
  });
  return {
    next: async () => {
      const { value, error } = values.length > 0 ? values.shift() : await new Promise((resolve) => waiting.push(resolve));
      if (error) throw error;
      return value;
    },
    stop: () => subscription.unsubscribe(),
  };
}
