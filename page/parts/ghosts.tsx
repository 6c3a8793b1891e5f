/** Stands where something will be, if that takes its time. */
export const Ghosts = () => (
  <div class="ghosts" aria-hidden="true">
    {["w1", "w2", "w3", "w1", "w2"].map((width, i) => (
      <span key={`${i}${width}`} class={`ghost ${width}`} />
    ))}
  </div>
);
