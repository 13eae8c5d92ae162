/** Mouse, pen and wheel on the stage. */
import { AXIS_HEIGHT } from './layout';
import { GUTTER, type Stage } from './stage';
import type { Viewport } from './viewport';

export interface PointerActions {
  /** the pointer rests at (x, y) of the stage, or left it */
  hover(x: number, y: number): void;
  leave(): void;
  click(x: number, y: number): void;
  zoomTo(x: number, y: number): void;
  scroll(dy: number): void;
  moveLane(track: number, y: number): void;
}

const CLICK_SLACK = 4;
const ZOOM_PER_PIXEL = 0.0022;

export function attachPointer(stage: Stage, viewport: Viewport, actions: PointerActions): void {
  const { node } = stage;
  node.addEventListener('pointerdown', (down) => {
    if (down.button !== 0) return;
    node.focus();
    node.setPointerCapture(down.pointerId);
    const lane = down.offsetX < GUTTER ? stage.laneAt(down.offsetY) : undefined;
    const range = down.offsetY < AXIS_HEIGHT && down.offsetX >= GUTTER;
    const first = stage.scale.time(down.offsetX);
    let { offsetX: x, offsetY: y } = down;
    let dragging = false;
    const move = (event: PointerEvent): void => {
      if (!dragging && Math.abs(event.offsetX - down.offsetX) + Math.abs(event.offsetY - down.offsetY) < CLICK_SLACK) return;
      dragging = true;
      actions.leave();
      if (lane) actions.moveLane(lane.track.id, event.offsetY);
      else if (!range) {
        viewport.pan(-(event.offsetX - x) * stage.scale.perPixel);
        actions.scroll(y - event.offsetY);
      }
      ({ offsetX: x, offsetY: y } = event);
    };
    const up = (event: PointerEvent): void => {
      node.removeEventListener('pointermove', move);
      if (!dragging) actions.click(event.offsetX, event.offsetY);
      // a drag along the axis shows what it spans
      else if (range) {
        const last = stage.scale.time(event.offsetX);
        viewport.show(Math.min(first, last), Math.max(first, last));
      }
    };
    node.addEventListener('pointermove', move);
    node.addEventListener('pointerup', up, { once: true });
    node.addEventListener('pointercancel', () => {
      node.removeEventListener('pointermove', move);
      node.removeEventListener('pointerup', up);
    }, { once: true });
  });
  node.addEventListener('pointermove', (event) => { if (event.buttons === 0) actions.hover(event.offsetX, event.offsetY); });
  node.addEventListener('pointerleave', () => actions.leave());
  node.addEventListener('dblclick', (event) => actions.zoomTo(event.offsetX, event.offsetY));
  node.addEventListener('wheel', (event) => {
    event.preventDefault();
    const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : event.deltaMode === WheelEvent.DOM_DELTA_PAGE ? 400 : 1;
    const dx = event.deltaX * unit;
    const dy = event.deltaY * unit;
    const zoom = event.ctrlKey || event.metaKey;
    if (event.shiftKey && !zoom) return viewport.pan((dx || dy) * stage.scale.perPixel);
    if (!zoom && Math.abs(dx) > Math.abs(dy)) return viewport.pan(dx * stage.scale.perPixel);
    if (!zoom && event.offsetX < GUTTER) return actions.scroll(dy);
    // a pinch arrives as small steps with ctrlKey
    const steps = event.ctrlKey && Math.abs(dy) < 20 ? dy * 4 : dy;
    viewport.zoom(Math.exp(Math.max(-400, Math.min(400, steps)) * ZOOM_PER_PIXEL), stage.scale.time(Math.max(GUTTER, event.offsetX)));
  }, { passive: false });
}
