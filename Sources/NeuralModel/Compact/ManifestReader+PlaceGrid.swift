// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import NeuralOps

extension ManifestReader {
    /// What model.json says about the place grid; nil if the model has none.
    func placeGrid() throws(ModelError) -> PlaceGridSettings? {
        guard has("placeGrid") else { return nil }
        let features = PlaceGridSettings.features
        guard try count("placeGrid.features", 1...64) == features else {
            throw refuse(
                "placeGrid.features", "\(features)", try value("placeGrid.features").summary)
        }
        let sides = try cellSides()
        let rows = try tableRows(levels: sides.count)
        let boundsMin = try vector("placeGrid.bounds_min")
        let boundsMax = try vector("placeGrid.bounds_max")
        guard all(boundsMax .> boundsMin) else {
            throw refuse("placeGrid.bounds_max", "more than bounds_min", "\(boundsMax)")
        }
        let longest = (boundsMax - boundsMin).max()
        let finest = sides.last ?? 1
        guard longest / finest <= PlaceGridSettings.maxCells else {
            throw refuse(
                "placeGrid.bounds_max",
                "at most \(Int(PlaceGridSettings.maxCells)) cells of \(finest) m along a side",
                "\(longest) m")
        }
        return PlaceGridSettings(
            rows: rows, cellSides: sides,
            fineLevels: try count("placeGrid.fine_levels", 0...sides.count),
            boundsMin: boundsMin, boundsMax: boundsMax,
            normalOffset: try number("placeGrid.normal_offset"))
    }

    /// Of each level; one number stands for all.
    private func tableRows(levels: Int) throws(ModelError) -> [Int] {
        let field = "placeGrid.rows"
        let allowed = 1...PlaceGridSettings.maxRows
        let isList = try value(field).array != nil
        let rows =
            isList
            ? try counts(field, allowed)
            : [Int](repeating: try count(field, allowed), count: levels)
        guard rows.count == levels else {
            throw refuse(field, "one number, or one for each of \(levels) levels", "\(rows.count)")
        }
        for rows in rows where rows & (rows - 1) != 0 {
            throw refuse(field, "a power of two", "\(rows)")
        }
        return rows
    }

    private func cellSides() throws(ModelError) -> [Float] {
        let field = "placeGrid.cell_sides"
        let sides = try numbers(field)
        guard (1...PlaceGridSettings.maxLevels).contains(sides.count) else {
            throw refuse(field, "1 to \(PlaceGridSettings.maxLevels) levels", "\(sides.count)")
        }
        for side in sides where !(side > 1e-6) {
            throw refuse(field, "sides of more than 0.000001 m", "\(side)")
        }
        // Exactly: kernels divide by the first and double from there on.
        for (side, next) in zip(sides, sides.dropFirst()) where next * 2 != side {
            throw refuse(field, "each level half of the one before", "\(next) after \(side)")
        }
        return sides
    }
}
