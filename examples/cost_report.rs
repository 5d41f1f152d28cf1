//! Writes the cost of each workspace and day to a CSV file and a chart.
//!
//! `cost_report DAYS COSTS.CSV CHART.SVG`

use std::{error::Error, time::Duration};

use chrono::{DateTime, Utc};
use plotters::prelude::*;
use portkey_admin::{Client, Dollars, analytics::AnalyticsFilters};

/// The cost of a workspace over time, in dollars.
struct Series {
    workspace: String,
    points: Vec<(DateTime<Utc>, f64)>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [days, csv, chart] = arguments.as_slice() else {
        return Err("usage: cost_report DAYS COSTS.CSV CHART.SVG".into());
    };
    let client = Client::from_env()?;
    let range = AnalyticsFilters::last(Duration::from_secs(days.parse::<u64>()? * 24 * 3600));
    let mut all = Vec::new();
    for workspace in client.list_workspaces().stream().try_collect().await? {
        let filters = range.clone().workspace_slug(&workspace.slug);
        let graph = client.get_cost_graph().filters(filters).await?;
        let points = graph.data_points.iter().filter_map(|point| {
            let dollars = Dollars::from(point.total.unwrap_or_default());
            Some((point.timestamp?, dollars.0))
        });
        all.push(Series {
            points: points.collect(),
            workspace: workspace.slug,
        });
    }
    write_csv(csv, &all)?;
    draw(chart, &all)?;
    let total: f64 = all
        .iter()
        .flat_map(|series| &series.points)
        .map(|(_, cost)| cost)
        .sum();
    println!("{total:.4} USD in {} workspaces", all.len());
    Ok(())
}

fn write_csv(path: &str, all: &[Series]) -> Result<(), Box<dyn Error>> {
    let mut file = csv::Writer::from_path(path)?;
    file.write_record(["time", "workspace", "usd"])?;
    for series in all {
        for (time, cost) in &series.points {
            file.write_record([&time.to_rfc3339(), &series.workspace, &format!("{cost:.6}")])?;
        }
    }
    Ok(file.flush()?)
}

fn draw(path: &str, all: &[Series]) -> Result<(), Box<dyn Error>> {
    let points = || all.iter().flat_map(|series| &series.points);
    let times = points().map(|(time, _)| *time);
    let (Some(start), Some(end)) = (times.clone().min(), times.max()) else {
        return Err("there are no data points".into());
    };
    let highest = points().map(|(_, cost)| *cost).fold(0.01, f64::max);
    let area = SVGBackend::new(path, (800, 400)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption("Cost in USD", ("sans-serif", 20))
        .margin(10)
        .x_label_area_size(30)
        .y_label_area_size(60)
        .build_cartesian_2d(start..end, 0.0..highest * 1.1)?;
    let mesh = &mut chart.configure_mesh();
    mesh.x_label_formatter(&|time| time.format("%d %b").to_string())
        .draw()?;
    for (index, series) in all.iter().enumerate() {
        let colour = Palette99::pick(index).to_rgba();
        let line = LineSeries::new(series.points.iter().copied(), colour.stroke_width(2));
        chart
            .draw_series(line)?
            .label(&series.workspace)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], colour.stroke_width(2)));
    }
    chart.configure_series_labels().border_style(BLACK).draw()?;
    Ok(area.present()?)
}
